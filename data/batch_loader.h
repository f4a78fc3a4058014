// Training batches as a pure function of (seed, epoch, step): no state to save, so a resumed run sees exactly
// what an uninterrupted one would. Pixels stay uint8; the backend flips, crops and normalises
// (AugmentParams). Source: method of the published loader: shuffle every epoch, keep the last partial batch,
// flip then crop.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "data/dataset.h"
#include "kernels/spec.h"

namespace rlnas {

struct HostBatch {
  int epoch = 0;
  int step = 0;                        // within the epoch
  int count = 0;                       // of this rank
  int global_count = 0;                // over all ranks
  std::vector<std::uint8_t> images;    // [count, height, width, 3], as stored
  std::vector<AugmentParams> params;   // [count]
  std::vector<std::int32_t> labels;    // [count]
  std::vector<std::uint32_t> indices;  // [count], into the data set
};

enum class Augmentation { crop_and_flip, none };
enum class SampleOrder { shuffled, sequential };

struct BatchLoaderOptions {
  int batch_size = 64;
  std::uint64_t seed = 0;
  Augmentation augmentation = Augmentation::crop_and_flip;
  SampleOrder order = SampleOrder::shuffled;
  // Of `ranks` processes this one gets a contiguous share of every batch, as equal as can be.
  int rank = 0;
  int ranks = 1;
};

// Where the share of `rank` begins in a batch of `count`; where it ends: that of rank + 1.
inline std::size_t share_begin(std::size_t count, int rank, int ranks) {
  return count * std::size_t(rank) / std::size_t(ranks);
}

class BatchLoader {
 public:
  // `indices` are the images to train on, `labels` one label for *every* image of the data set (random or
  // true). The data set must outlive the loader.
  // Errors: usage for a batch size below 1, or a batch with fewer images than ranks; data for lists that do
  // not fit the data set.
  BatchLoader(const Dataset& dataset, std::vector<std::uint32_t> indices, std::vector<std::int32_t> labels,
              const BatchLoaderOptions& options);

  int steps_per_epoch() const { return steps_per_epoch_; }
  int batch_size() const { return options_.batch_size; }
  const Dataset& dataset() const { return dataset_; }

  // Fills `batch` with step `step` of epoch `epoch`; its vectors keep their capacity.
  // Errors: run_failed for a step or epoch out of range.
  // Determinism: an image's augmentation depends on (seed, epoch, image) alone, its place on (seed, epoch).
  // Threads: may be called from several at once.
  void fill(int epoch, int step, HostBatch& batch) const;

 private:
  using Order = std::shared_ptr<const std::vector<std::uint32_t>>;
  Order order_of(int epoch) const;
  AugmentParams draw_augmentation(int epoch, std::uint32_t index) const;

  const Dataset& dataset_;
  Order indices_;
  std::vector<std::int32_t> labels_;
  BatchLoaderOptions options_;
  int steps_per_epoch_ = 0;
  mutable std::mutex mutex_;  // guards the two below: the order of the epoch asked for last
  mutable int cached_epoch_ = -1;
  mutable Order cached_order_;
};

}  // namespace rlnas
