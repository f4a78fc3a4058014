#include "kernels/cpu/winograd_strip.h"

#include <algorithm>

namespace rlnas::winograd {
namespace {

// The vertical transform of every column of pixels of one row of tiles, [column][vector][point]. Neighbouring
// tiles share two columns, so this is done once a row, not once a tile.
void transform_columns(const Strips& strips, int top, int channels, const float* image, const float* zero,
                       float* columns) {
  const float* pixel[kPoints];
  std::ptrdiff_t back[kPoints];  // to the next pixel from the end of this one: none, or back to the zeros
  for (int i = 0; i < kPoints; ++i) {
    const int row = top - 1 + i;
    const bool inside = row >= 0 && row < strips.height;
    pixel[i] = inside ? image + std::size_t(row) * std::size_t(strips.width) * std::size_t(channels) : zero;
    back[i] = inside ? 0 : -std::ptrdiff_t(channels);
  }
  float* to = columns + kPoints * channels;
  for (int column = 0; column < strips.width; ++column) {
    for (int c = 0; c < channels; c += kLanes, to += kPoints * kLanes) {
      Vec d[kPoints], t[kPoints];
      for (int i = 0; i < kPoints; ++i) {
        d[i] = load<Vec>(pixel[i]);
        pixel[i] += kLanes;
      }
      input_transform(d, t);
      for (int i = 0; i < kPoints; ++i) store<Vec>(to + i * kLanes, t[i]);
    }
    for (int i = 0; i < kPoints; ++i) pixel[i] += back[i];
  }
}

void transform_rows(const Strips& strips, int channels, const float* columns, float* points) {
  const std::size_t stride = strips.matrix_stride(channels);
  const std::size_t column = std::size_t(kPoints) * std::size_t(channels);
  for (int tile = 0; tile < strips.tiles_across; ++tile)
    for (int c = 0; c < channels; c += kLanes) {
      const float* const from = columns + std::size_t(tile * kOut) * column + std::size_t(c * kPoints);
      float* to = points + std::size_t(tile) * std::size_t(channels) + c;
      for (int i = 0; i < kPoints; ++i) {
        Vec d[kPoints], t[kPoints];
        for (int j = 0; j < kPoints; ++j) d[j] = load<Vec>(from + std::size_t(j) * column + i * kLanes);
        input_transform(d, t);
        for (int j = 0; j < kPoints; ++j, to += stride) store<Vec>(to, t[j]);
      }
    }
}

}  // namespace

void to_points(const Strips& strips, int first, int count, int channels, const float* x, float* columns,
               float* points) {
  const std::size_t column = std::size_t(kPoints) * std::size_t(channels);
  float* const zero = columns + std::size_t(strips.padded_width()) * column;
  std::fill_n(columns, column, 0.0f);
  std::fill(columns + std::size_t(strips.width + 1) * column, zero + channels, 0.0f);
  const std::size_t image_size =
      std::size_t(strips.height) * std::size_t(strips.width) * std::size_t(channels);
  for (int row = first; row < first + count; ++row) {
    const float* const image = x + std::size_t(row / strips.tiles_down) * image_size;
    transform_columns(strips, row % strips.tiles_down * kOut, channels, image, zero, columns);
    transform_rows(strips, channels, columns,
                   points + std::size_t((row - first) * strips.tiles_across) * std::size_t(channels));
  }
}

void gradient_to_points(const Strips& strips, int first, int count, int channels, const float* dy,
                        float* points) {
  const std::size_t pixel_size = std::size_t(channels), row_size = std::size_t(strips.width) * pixel_size;
  const std::size_t stride = strips.matrix_stride(channels);
  for (int row = first; row < first + count; ++row) {
    const int top = row % strips.tiles_down * kOut, height = std::min(kOut, strips.height - top);
    const float* const corner = dy + std::size_t(row / strips.tiles_down * strips.height + top) * row_size;
    for (int tile = 0; tile < strips.tiles_across; ++tile, points += channels) {
      const int left = tile * kOut, width = std::min(kOut, strips.width - left);
      for (int c = 0; c < channels; c += kLanes) {
        const float* const from = corner + std::size_t(left) * pixel_size + c;
        Vec rows[kOut][kPoints];
#pragma GCC unroll 6
        for (int q = 0; q < kOut; ++q) {
          Vec y[kOut] = {};
          if (height == kOut && width == kOut) {
            for (int p = 0; p < kOut; ++p)
              y[p] = load<Vec>(from + std::size_t(p) * row_size + std::size_t(q) * pixel_size);
          } else if (q < width) {
            for (int p = 0; p < height; ++p)
              y[p] = load<Vec>(from + std::size_t(p) * row_size + std::size_t(q) * pixel_size);
          }
          gradient_transform(y, rows[q]);
        }
        float* to = points + c;
#pragma GCC unroll 6
        for (int i = 0; i < kPoints; ++i) {
          Vec y[kOut], t[kPoints];
          for (int q = 0; q < kOut; ++q) y[q] = rows[q][i];
          gradient_transform(y, t);
          for (int j = 0; j < kPoints; ++j, to += stride) store<Vec>(to, t[j]);
        }
      }
    }
  }
}

void from_points(const Strips& strips, int first, int count, int channels, const float* points, float* y) {
  const std::size_t pixel_size = std::size_t(channels), row_size = std::size_t(strips.width) * pixel_size;
  const std::size_t stride = strips.matrix_stride(channels);
  for (int row = first; row < first + count; ++row) {
    const int top = row % strips.tiles_down * kOut, height = std::min(kOut, strips.height - top);
    float* const corner = y + std::size_t(row / strips.tiles_down * strips.height + top) * row_size;
    for (int tile = 0; tile < strips.tiles_across; ++tile, points += channels) {
      const int left = tile * kOut, width = std::min(kOut, strips.width - left);
      for (int c = 0; c < channels; c += kLanes) {
        const float* from = points + c;
        Vec rows[kPoints][kOut];
#pragma GCC unroll 6
        for (int i = 0; i < kPoints; ++i) {
          Vec m[kPoints];
          for (int j = 0; j < kPoints; ++j, from += stride) m[j] = load<Vec>(from);
          output_transform(m, rows[i]);
        }
        float* const to = corner + std::size_t(left) * pixel_size + c;
#pragma GCC unroll 6
        for (int q = 0; q < kOut; ++q) {
          Vec m[kPoints], out[kOut];
          for (int i = 0; i < kPoints; ++i) m[i] = rows[i][q];
          output_transform(m, out);
          if (height == kOut && width == kOut) {
            for (int p = 0; p < kOut; ++p)
              store<Vec>(to + std::size_t(p) * row_size + std::size_t(q) * pixel_size, out[p]);
          } else if (q < width) {
            for (int p = 0; p < height; ++p)
              store<Vec>(to + std::size_t(p) * row_size + std::size_t(q) * pixel_size, out[p]);
          }
        }
      }
    }
  }
}

}  // namespace rlnas::winograd
