// Which images make which batch, for every kind of BatchSource: shuffled anew every epoch, the last partial
// batch kept, every rank a contiguous share. Held in 4 bytes an image, twice: the selection and the order of
// the epoch asked for last (10 MB for ImageNet).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace rlnas {

enum class SampleOrder {
  shuffled,       // anew every epoch
  shuffled_once,  // epoch 0's order every time: the published ImageNet runs, which never tell their sampler
  sequential,
};

struct BatchPlanOptions {
  int batch_size = 64;
  std::uint64_t seed = 0;
  SampleOrder order = SampleOrder::shuffled;
  // Of `ranks` processes this one gets a contiguous share of every batch, as equal as can be.
  int rank = 0;
  int ranks = 1;
};

// Where the share of `rank` begins in a batch of `count`; where it ends: that of rank + 1.
inline std::size_t share_begin(std::size_t count, int rank, int ranks) {
  return count * std::size_t(rank) / std::size_t(ranks);
}

class BatchPlan {
 public:
  // `name` is of the data set, for errors; `images` how many it has.
  // Errors: usage for a batch size below 1, or a batch with fewer images than ranks; data for indices beyond
  // the data set, or none.
  BatchPlan(std::vector<std::uint32_t> indices, const BatchPlanOptions& options, const std::string& name,
            std::size_t images);

  int steps_per_epoch() const { return steps_per_epoch_; }
  const BatchPlanOptions& options() const { return options_; }
  const std::vector<std::uint32_t>& indices() const { return *indices_; }

  struct Share {
    std::shared_ptr<const std::vector<std::uint32_t>> order;
    std::size_t begin = 0;
    std::size_t count = 0;         // of this rank
    std::size_t global_count = 0;  // over all ranks

    std::uint32_t index(std::size_t i) const { return (*order)[begin + i]; }
  };
  // Errors: run_failed for a step or epoch out of range.
  // Determinism: a function of (seed, epoch, step). Threads: may be called from several at once.
  Share share(int epoch, int step) const;

 private:
  using Order = std::shared_ptr<const std::vector<std::uint32_t>>;
  Order order_of(int epoch) const;

  Order indices_;
  BatchPlanOptions options_;
  int steps_per_epoch_ = 0;
  mutable std::mutex mutex_;  // guards the two below
  mutable int cached_epoch_ = -1;
  mutable Order cached_order_;
};

}  // namespace rlnas
