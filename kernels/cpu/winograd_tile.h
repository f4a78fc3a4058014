// The one-dimensional transforms of F(4,3) and the vectors they run on. Internal to winograd*.cpp.
//
// Points 0, a, -a, b, -b, infinity with a = sqrt(1/2), b = sqrt(2). Each function is one matrix of the
// algorithm, even and odd parts shared between a point and its negative.
#pragma once

#include <cstddef>

#include "kernels/cpu/vec.h"

namespace rlnas::winograd {

using Vec = WideFloat;
inline constexpr int kLanes = kWidth<Vec>;
inline constexpr int kOut = 4;     // output pixels of a tile in one direction
inline constexpr int kTaps = 3;    // of the filter
inline constexpr int kPoints = 6;  // input pixels of a tile in one direction
inline constexpr int kPositions = kPoints * kPoints;

inline constexpr float kA = 0.70710678118654752f, kB = 1.41421356237309505f;
inline constexpr float kA3 = 0.35355339059327376f, kB3 = 2.82842712474619010f;

// B^T: six pixels to six points.
inline void input_transform(const Vec (&d)[kPoints], Vec (&t)[kPoints]) {
  const Vec even_a = d[4] - 2.0f * d[2], odd_a = d[3] - 2.0f * d[1];
  const Vec even_b = d[4] - 0.5f * d[2], odd_b = d[3] - 0.5f * d[1];
  t[0] = (d[0] + d[4]) - 2.5f * d[2];
  t[1] = even_a + kA * odd_a;
  t[2] = even_a - kA * odd_a;
  t[3] = even_b + kB * odd_b;
  t[4] = even_b - kB * odd_b;
  t[5] = (d[1] + d[5]) - 2.5f * d[3];
}

// A^T: six points to four output pixels.
inline void output_transform(const Vec (&m)[kPoints], Vec (&y)[kOut]) {
  const Vec sum_a = m[1] + m[2], difference_a = m[1] - m[2];
  const Vec sum_b = m[3] + m[4], difference_b = m[3] - m[4];
  y[0] = (m[0] + sum_a) + sum_b;
  y[1] = kA * difference_a + kB * difference_b;
  y[2] = 0.5f * sum_a + 2.0f * sum_b;
  y[3] = (m[5] + kA3 * difference_a) + kB3 * difference_b;
}

// A: four pixels of the output's gradient to six points.
inline void gradient_transform(const Vec (&y)[kOut], Vec (&t)[kPoints]) {
  const Vec even_a = y[0] + 0.5f * y[2], odd_a = kA * y[1] + kA3 * y[3];
  const Vec even_b = y[0] + 2.0f * y[2], odd_b = kB * y[1] + kB3 * y[3];
  t[0] = y[0];
  t[1] = even_a + odd_a;
  t[2] = even_a - odd_a;
  t[3] = even_b + odd_b;
  t[4] = even_b - odd_b;
  t[5] = y[3];
}

// G: three filter taps to six points.
inline void filter_transform(const Vec (&w)[kTaps], Vec (&t)[kPoints]) {
  const Vec even_a = -1.0f / 1.5f * w[0] - 1.0f / 3.0f * w[2], odd_a = -kA / 1.5f * w[1];
  const Vec even_b = 1.0f / 6.0f * w[0] + 1.0f / 3.0f * w[2], odd_b = kB / 6.0f * w[1];
  t[0] = w[0];
  t[1] = even_a + odd_a;
  t[2] = even_a - odd_a;
  t[3] = even_b + odd_b;
  t[4] = even_b - odd_b;
  t[5] = w[2];
}

// G^T: six points to the gradient of three filter taps.
inline void filter_gradient_transform(const Vec (&m)[kPoints], Vec (&w)[kTaps]) {
  const Vec sum_a = m[1] + m[2], difference_a = m[1] - m[2];
  const Vec sum_b = m[3] + m[4], difference_b = m[3] - m[4];
  w[0] = (m[0] - 1.0f / 1.5f * sum_a) + 1.0f / 6.0f * sum_b;
  w[1] = kB / 6.0f * difference_b - kA / 1.5f * difference_a;
  w[2] = (m[5] - 1.0f / 3.0f * sum_a) + 1.0f / 3.0f * sum_b;
}

}  // namespace rlnas::winograd
