// The three matrix products of a linear layer, or of a 1x1 convolution, as cuBLAS wants them. cuBLAS counts
// by columns: a row-major [rows, columns] matrix is its column-major [columns, rows], so each product is
// written transposed and its operands change places.
#pragma once

#include "rlnas/spec.hpp"

namespace rlnas {

// c[m,n] = a * b with sums over k, all column-major; `transposed` operands are stored [k,m] and [n,k].
struct Gemm {
  int m = 0, n = 0, k = 0;
  bool a_transposed = false, b_transposed = false;
  int lda = 0, ldb = 0, ldc = 0;  // distance of two columns in memory
};

// A 1x1 convolution of stride 1 is a linear layer of every pixel: its filter [K,C,1,1] is the layer's [O,F].
constexpr bool is_pointwise(const ConvSpec& s) {
  return s.kernel == 1 && s.stride == 1 && s.padding == 0 && s.groups == 1;
}
constexpr LinearSpec linear_of(const ConvSpec& s) {
  return {s.batch * s.in_height * s.in_width, s.in_channels, s.out_channels};
}

// y [N,O] = x [N,F] * w [O,F]^T: a is w, b is x
constexpr Gemm linear_forward_gemm(const LinearSpec& s) {
  return {.m = s.out_features,
          .n = s.batch,
          .k = s.in_features,
          .a_transposed = true,
          .lda = s.in_features,
          .ldb = s.in_features,
          .ldc = s.out_features};
}

// dx [N,F] = dy [N,O] * w [O,F]: a is w, b is dy
constexpr Gemm linear_backward_data_gemm(const LinearSpec& s) {
  return {.m = s.in_features,
          .n = s.batch,
          .k = s.out_features,
          .lda = s.in_features,
          .ldb = s.out_features,
          .ldc = s.in_features};
}

// dw [O,F] = dy [N,O]^T * x [N,F]: a is x, b is dy
constexpr Gemm linear_backward_weights_gemm(const LinearSpec& s) {
  return {.m = s.in_features,
          .n = s.out_features,
          .k = s.batch,
          .b_transposed = true,
          .lda = s.in_features,
          .ldb = s.out_features,
          .ldc = s.in_features};
}

}  // namespace rlnas
