// The small dense linear algebra of indicators, in double precision (Eigen).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace rlnas {

// a^T b / rows of two row-major matrices [rows,ca] and [rows,cb] -> [ca,cb], row-major. Sums of blocks of
// rows are in single precision, those of blocks in double.
std::vector<double> mean_outer_product(const float* a, int ca, const float* b, int cb, std::int64_t rows);

// Of the rows of x [rows,c] about their mean -> [c,c].
std::vector<double> covariance(const float* x, int c, std::int64_t rows);

// The correlations between the rows of x [rows,count] -> [rows,rows]; NaN for a row that is constant.
std::vector<double> row_correlations(const float* x, int rows, std::int64_t count);

// The same between the columns of x [rows,c] -> [c,c]; a constant one has none, not even with itself.
std::vector<double> column_correlations(const float* x, int c, std::int64_t rows);

// Eigenvalues of a symmetric matrix [n,n], ascending.
std::vector<double> symmetric_eigenvalues(const std::vector<double>& matrix, int n);

// The largest singular value of a matrix [rows,columns].
double largest_singular_value(const std::vector<double>& matrix, int rows, int columns);

// ln |det| of a symmetric matrix [n,n]; minus infinity of a singular one.
double log_abs_determinant(const std::vector<double>& matrix, int n);

}  // namespace rlnas
