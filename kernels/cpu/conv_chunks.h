// How a batch is cut for convolutions: a function of the batch size alone, so that sums over images round the
// same way on any number of threads.
#pragma once

#include <algorithm>

namespace rlnas {

struct ConvChunks {
  explicit ConvChunks(int batch_size) : batch(batch_size), images(batch >= 16 ? 4 : batch >= 8 ? 2 : 1) {}

  int count() const { return (batch + images - 1) / images; }
  int first(int chunk) const { return chunk * images; }
  int size(int chunk) const { return std::min(images, batch - first(chunk)); }
  int tail() const { return batch % images; }  // images of a shorter last chunk; 0: all are alike

  int batch;
  int images;
};

}  // namespace rlnas
