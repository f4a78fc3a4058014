// The matrix products that the CUDA backend asks cuBLAS for, carried out as cuBLAS documents them.
#include <doctest/doctest.h>

#include <vector>

#include "kernels/backend.h"
#include "kernels/cuda/gemm.h"

namespace rlnas::test {
namespace {

std::vector<float> numbers(int count, int step) {
  std::vector<float> values;
  for (int i = 0; i < count; ++i) values.push_back(float(i * step % 17 - 8));
  return values;
}

// c[i,j] = sum over l of a[i,l] * b[l,j], column-major.
std::vector<float> multiply(const Gemm& g, const std::vector<float>& a, const std::vector<float>& b) {
  std::vector<float> c(std::size_t(g.ldc) * std::size_t(g.n));
  for (int j = 0; j < g.n; ++j)
    for (int i = 0; i < g.m; ++i)
      for (int l = 0; l < g.k; ++l)
        c[std::size_t(i + j * g.ldc)] += a.at(std::size_t(g.a_transposed ? l + i * g.lda : i + l * g.lda)) *
                                         b.at(std::size_t(g.b_transposed ? j + l * g.ldb : l + j * g.ldb));
  return c;
}

}  // namespace

TEST_CASE("the products of a linear layer are those of the reference") {
  constexpr LinearSpec spec = {.batch = 3, .in_features = 5, .out_features = 4};
  const auto x = numbers(15, 3), w = numbers(20, 5), dy = numbers(12, 7);
  const auto ref = make_ref_backend();
  std::vector<float> y(12), dx(15), dw(20);
  ref->run(LinearForward{.spec = spec, .x = x.data(), .w = w.data(), .y = y.data()});
  ref->run(LinearBackwardData{.spec = spec, .dy = dy.data(), .w = w.data(), .dx = dx.data()});
  ref->run(LinearBackwardWeights{.spec = spec, .x = x.data(), .dy = dy.data(), .dw = dw.data()});
  // Small whole numbers: every order of addition gives the same.
  CHECK(multiply(linear_forward_gemm(spec), w, x) == y);
  CHECK(multiply(linear_backward_data_gemm(spec), w, dy) == dx);
  CHECK(multiply(linear_backward_weights_gemm(spec), x, dy) == dw);
}

TEST_CASE("a 1x1 convolution of stride 1, and no other, is a linear layer of every pixel") {
  constexpr ConvSpec spec = {2, 5, 3, 4, 7, 1, 1, 0, 1, 1};
  REQUIRE(is_pointwise(spec));
  const auto x = numbers(2 * 3 * 4 * 5, 3), w = numbers(7 * 5, 5), dy = numbers(2 * 3 * 4 * 7, 7);
  const auto ref = make_ref_backend();
  std::vector<float> y(dy.size()), dx(x.size()), dw(w.size());
  ref->run(ConvForward{.spec = spec, .x = x.data(), .w = w.data(), .y = y.data()});
  ref->run(ConvBackwardData{.spec = spec, .dy = dy.data(), .w = w.data(), .dx = dx.data()});
  ref->run(ConvBackwardWeights{.spec = spec, .x = x.data(), .dy = dy.data(), .dw = dw.data()});
  CHECK(multiply(linear_forward_gemm(linear_of(spec)), w, x) == y);
  CHECK(multiply(linear_backward_data_gemm(linear_of(spec)), w, dy) == dx);
  CHECK(multiply(linear_backward_weights_gemm(linear_of(spec)), x, dy) == dw);
  for (const ConvSpec& other :
       {ConvSpec{2, 5, 3, 4, 7, 3, 1, 0, 1, 1}, ConvSpec{2, 5, 3, 4, 7, 1, 2, 0, 1, 1},
        ConvSpec{2, 5, 3, 4, 7, 1, 1, 1, 1, 1}, ConvSpec{2, 6, 3, 4, 6, 1, 1, 0, 1, 2}})
    CHECK(!is_pointwise(other));
}

}  // namespace rlnas::test
