// Strips of tiles: how images are cut into them, and their way to points and back. Internal to winograd*.cpp.
#pragma once

#include <algorithm>

#include "kernels/cpu/winograd_tile.h"
#include "rlnas/spec.hpp"

namespace rlnas::winograd {

// Tiles of a strip: enough that the filters, read once a strip, cost little beside the tiles.
inline constexpr int kStripTiles = 32;

// Images of one pass as rows of tiles, cut into strips of whole rows whose transforms stay in cache.
struct Strips {
  Strips(const ConvSpec& spec, int image_count)
      : images(image_count),
        height(spec.in_height),
        width(spec.in_width),
        tiles_across((width + kOut - 1) / kOut),
        tiles_down((height + kOut - 1) / kOut),
        rows_per_strip(std::max(1, std::min(images * tiles_down, kStripTiles / tiles_across))) {}

  int rows() const { return images * tiles_down; }
  int max_tiles() const { return rows_per_strip * tiles_across; }
  // Floats from one position's matrix [tiles][channels] to the next. The extra line keeps the 36 matrices
  // from meeting in the same few sets of the cache.
  std::size_t matrix_stride(int channels) const {
    return std::size_t(max_tiles()) * std::size_t(channels) + 16;
  }
  std::size_t matrices_floats(int channels) const { return kPositions * matrix_stride(channels); }
  // Scratch of to_points: a row of tiles after the vertical transform, and a zero pixel.
  std::size_t columns_floats(int channels) const {
    return (std::size_t(padded_width()) * kPoints + 1) * std::size_t(channels);
  }
  int padded_width() const { return tiles_across * kOut + 2; }

  int images, height, width, tiles_across, tiles_down, rows_per_strip;
};

// x [images,H,W,channels], rows first..first+count-1 of tiles -> points: 36 matrices [tile][channel].
void to_points(const Strips& strips, int first, int count, int channels, const float* x, float* columns,
               float* points);
// The same for the gradient of an output.
void gradient_to_points(const Strips& strips, int first, int count, int channels, const float* dy,
                        float* points);
// points -> y [images,H,W,channels], the pixels of those rows of tiles.
void from_points(const Strips& strips, int first, int count, int channels, const float* points, float* y);

}  // namespace rlnas::winograd
