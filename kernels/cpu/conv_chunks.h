// How a batch is cut for convolutions: a function of the problem alone, so that sums over images round the
// same way on any number of threads.
#pragma once

#include <algorithm>

#include "rlnas/spec.hpp"

namespace rlnas {

struct ConvChunks {
  // A chunk's images fill about kChunkBytes on their larger side, so that what a chunk's passes hand on stays
  // in the second-level cache; but a batch gives at least kMinChunks, to keep cores busy, if it has as many
  // images.
  static constexpr std::size_t kChunkBytes = 128 * 1024;
  static constexpr int kMinChunks = 8;

  explicit ConvChunks(const ConvSpec& spec) : batch(spec.batch) {
    const std::size_t image_bytes =
        std::max(spec.in_count(), spec.out_count()) / std::size_t(spec.batch) * sizeof(float);
    const int by_cache = int(std::max<std::size_t>(1, kChunkBytes / image_bytes));
    images = std::min(by_cache, std::max(1, batch / kMinChunks));
  }

  int count() const { return (batch + images - 1) / images; }
  int first(int chunk) const { return chunk * images; }
  int size(int chunk) const { return std::min(images, batch - first(chunk)); }
  int tail() const { return batch % images; }  // images of a shorter last chunk; 0: all are alike

  int batch;
  int images;
};

}  // namespace rlnas
