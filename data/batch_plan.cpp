#include "data/batch_plan.h"

#include <algorithm>
#include <limits>

#include "engine/philox.h"
#include "kernels/check.h"

namespace rlnas {

BatchPlan::BatchPlan(std::vector<std::uint32_t> indices, const BatchPlanOptions& options,
                     const std::string& name, std::size_t images)
    : indices_(std::make_shared<const std::vector<std::uint32_t>>(std::move(indices))), options_(options) {
  RLNAS_CHECK(options_.batch_size >= 1, usage, "--batch-size ", options_.batch_size, ": must be at least 1");
  RLNAS_CHECK(!indices_->empty(), data, name, ": no image is selected for training");
  for (const std::uint32_t index : *indices_) {
    RLNAS_CHECK(index < images, data, "image ", index, " is selected, but ", name, " has only ", images);
  }
  const std::size_t batch = std::size_t(options_.batch_size);
  const std::size_t steps = (indices_->size() + batch - 1) / batch;
  RLNAS_CHECK(steps <= std::size_t(std::numeric_limits<int>::max()), usage, "--batch-size ",
              options_.batch_size, ": too many steps in an epoch");
  steps_per_epoch_ = int(steps);
  const std::size_t last = indices_->size() - (steps - 1) * batch;  // the smallest
  RLNAS_CHECK(last >= std::size_t(options_.ranks), usage, "--batch-size ", options_.batch_size, ": the last ",
              "batch of an epoch has ", last, " image(s), too few for ", options_.ranks, " ranks");
}

BatchPlan::Order BatchPlan::order_of(int epoch) const {
  if (options_.order == SampleOrder::sequential) return indices_;
  if (options_.order == SampleOrder::shuffled_once) epoch = 0;
  const std::lock_guard lock(mutex_);
  if (cached_epoch_ != epoch) {
    auto order = std::make_shared<std::vector<std::uint32_t>>(*indices_);
    RandomStream(options_.seed, "shuffle", std::uint64_t(epoch)).shuffle(*order);
    cached_order_ = std::move(order);
    cached_epoch_ = epoch;
  }
  return cached_order_;
}

BatchPlan::Share BatchPlan::share(int epoch, int step) const {
  RLNAS_CHECK(epoch >= 0 && step >= 0 && step < steps_per_epoch_, run_failed, "no batch at epoch ", epoch,
              ", step ", step, ": an epoch has ", steps_per_epoch_, " steps");
  Share share;
  share.order = order_of(epoch);
  const std::size_t batch_begin = std::size_t(step) * std::size_t(options_.batch_size);
  share.global_count = std::min(std::size_t(options_.batch_size), share.order->size() - batch_begin);
  const std::size_t own = share_begin(share.global_count, options_.rank, options_.ranks);
  share.begin = batch_begin + own;
  share.count = share_begin(share.global_count, options_.rank + 1, options_.ranks) - own;
  return share;
}

}  // namespace rlnas
