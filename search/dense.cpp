#include "search/dense.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

namespace rlnas {
namespace {

using RowsF = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using MatrixD = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr std::int64_t kBlockRows = 512;

MatrixD matrix_of(const std::vector<double>& values, int rows, int columns) {
  return Eigen::Map<const MatrixD>(values.data(), rows, columns);
}

std::vector<double> values_of(const MatrixD& matrix) {
  return {matrix.data(), matrix.data() + matrix.size()};
}

}  // namespace

std::vector<double> mean_outer_product(const float* a, int ca, const float* b, int cb, std::int64_t rows) {
  MatrixD total = MatrixD::Zero(ca, cb);
  RowsF block(ca, cb);
  for (std::int64_t first = 0; first < rows; first += kBlockRows) {
    const std::int64_t count = std::min(kBlockRows, rows - first);
    block.noalias() = Eigen::Map<const RowsF>(a + first * ca, count, ca).transpose() *
                      Eigen::Map<const RowsF>(b + first * cb, count, cb);
    total += block.cast<double>();
  }
  return values_of(total / double(rows));
}

std::vector<double> covariance(const float* x, int c, std::int64_t rows) {
  Eigen::RowVectorXd mean = Eigen::RowVectorXd::Zero(c);
  for (std::int64_t first = 0; first < rows; first += kBlockRows) {
    const std::int64_t count = std::min(kBlockRows, rows - first);
    mean += Eigen::Map<const RowsF>(x + first * c, count, c).colwise().sum().cast<double>();
  }
  mean /= double(rows);
  const Eigen::RowVectorXf centre = mean.cast<float>();
  MatrixD total = MatrixD::Zero(c, c);
  RowsF block(c, c), centred(kBlockRows, c);
  for (std::int64_t first = 0; first < rows; first += kBlockRows) {
    const std::int64_t count = std::min(kBlockRows, rows - first);
    centred.topRows(count) = Eigen::Map<const RowsF>(x + first * c, count, c).rowwise() - centre;
    block.noalias() = centred.topRows(count).transpose() * centred.topRows(count);
    total += block.cast<double>();
  }
  return values_of(total / double(rows));
}

std::vector<double> row_correlations(const float* x, int rows, std::int64_t count) {
  MatrixD centred = Eigen::Map<const RowsF>(x, rows, count).cast<double>();
  centred.colwise() -= centred.rowwise().mean().eval();
  for (int i = 0; i < rows; ++i) centred.row(i) /= centred.row(i).norm();
  return values_of(centred * centred.transpose());
}

std::vector<double> column_correlations(const float* x, int c, std::int64_t rows) {
  MatrixD centred = Eigen::Map<const RowsF>(x, rows, c).cast<double>();
  centred.rowwise() -= centred.colwise().mean().eval();
  Eigen::RowVectorXd scale = centred.colwise().norm();
  for (double& length : scale) length = length > 0.0 ? 1.0 / length : 0.0;
  centred.array().rowwise() *= scale.array();
  return values_of(centred.transpose() * centred);
}

std::vector<double> symmetric_eigenvalues(const std::vector<double>& matrix, int n) {
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(matrix_of(matrix, n, n),
                                                              Eigen::EigenvaluesOnly);
  const Eigen::VectorXd& values = solver.eigenvalues();
  return {values.data(), values.data() + values.size()};
}

double largest_singular_value(const std::vector<double>& matrix, int rows, int columns) {
  const MatrixD m = matrix_of(matrix, rows, columns);
  const MatrixD gram = rows < columns ? MatrixD(m * m.transpose()) : MatrixD(m.transpose() * m);
  return std::sqrt(std::max(0.0, symmetric_eigenvalues(values_of(gram), int(gram.rows())).back()));
}

double log_abs_determinant(const std::vector<double>& matrix, int n) {
  const Eigen::FullPivLU<Eigen::MatrixXd> lu(matrix_of(matrix, n, n));
  return lu.matrixLU().diagonal().array().abs().log().sum();
}

}  // namespace rlnas
