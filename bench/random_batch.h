// A batch of images and labels without meaning, the same in every run.
#pragma once

#include "data/batch_source.h"
#include "engine/philox.h"
#include "rlnas/spec.hpp"

namespace rlnas::bench {

inline HostBatch random_batch(int count, int image_size, int classes) {
  RandomStream random(0, "bench-batch");
  HostBatch batch;
  batch.count = batch.global_count = count;
  batch.images.resize(std::size_t(count) * std::size_t(image_size * image_size * AugmentSpec::kChannels));
  for (std::uint8_t& pixel : batch.images) pixel = std::uint8_t(random.below(256));
  batch.params.resize(std::size_t(count));
  for (int i = 0; i < count; ++i) batch.labels.push_back(std::int32_t(random.below(std::uint32_t(classes))));
  return batch;
}

}  // namespace rlnas::bench
