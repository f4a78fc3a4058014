#include "data/batch_loader.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "engine/philox.h"
#include "kernels/check.h"

namespace rlnas {

BatchLoader::BatchLoader(const Dataset& dataset, std::vector<std::uint32_t> indices,
                         std::vector<std::int32_t> labels, const BatchLoaderOptions& options)
    : dataset_(dataset),
      indices_(std::make_shared<const std::vector<std::uint32_t>>(std::move(indices))),
      labels_(std::move(labels)),
      options_(options) {
  RLNAS_CHECK(options_.batch_size >= 1, usage, "--batch-size ", options_.batch_size, ": must be at least 1");
  RLNAS_CHECK(labels_.size() == dataset_.size(), data, labels_.size(), " labels for the ", dataset_.size(),
              " images of ", dataset_.name);
  RLNAS_CHECK(!indices_->empty(), data, dataset_.name, ": no image is selected for training");
  for (const std::uint32_t index : *indices_) {
    RLNAS_CHECK(index < dataset_.size(), data, "image ", index, " is selected, but ", dataset_.name,
                " has only ", dataset_.size());
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

BatchLoader::Order BatchLoader::order_of(int epoch) const {
  if (options_.order == SampleOrder::sequential) return indices_;
  const std::lock_guard lock(mutex_);
  if (cached_epoch_ != epoch) {
    auto order = std::make_shared<std::vector<std::uint32_t>>(*indices_);
    RandomStream(options_.seed, "shuffle", std::uint64_t(epoch)).shuffle(*order);
    cached_order_ = std::move(order);
    cached_epoch_ = epoch;
  }
  return cached_order_;
}

AugmentParams BatchLoader::draw_augmentation(int epoch, std::uint32_t index) const {
  AugmentParams params;
  if (options_.augmentation == Augmentation::none) return params;
  RandomStream random(options_.seed, "augment", std::uint64_t(epoch), index);
  const int padding = dataset_.crop_padding;
  params.flip = std::int16_t(random.below(2));
  params.shift_y = std::int16_t(int(random.below(std::uint32_t(2 * padding + 1))) - padding);
  params.shift_x = std::int16_t(int(random.below(std::uint32_t(2 * padding + 1))) - padding);
  return params;
}

void BatchLoader::fill(int epoch, int step, HostBatch& batch) const {
  RLNAS_CHECK(epoch >= 0 && step >= 0 && step < steps_per_epoch_, run_failed, "no batch at epoch ", epoch,
              ", step ", step, ": an epoch has ", steps_per_epoch_, " steps");
  const Order order = order_of(epoch);
  const std::size_t batch_begin = std::size_t(step) * std::size_t(options_.batch_size);
  const std::size_t global = std::min(std::size_t(options_.batch_size), order->size() - batch_begin);
  const std::size_t share = share_begin(global, options_.rank, options_.ranks);
  const std::size_t begin = batch_begin + share;
  const std::size_t count = share_begin(global, options_.rank + 1, options_.ranks) - share;
  const std::size_t image_bytes = dataset_.image_bytes();
  batch.epoch = epoch;
  batch.step = step;
  batch.count = int(count);
  batch.global_count = int(global);
  batch.images.resize(count * image_bytes);
  batch.params.resize(count);
  batch.labels.resize(count);
  batch.indices.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t index = (*order)[begin + i];
    std::memcpy(batch.images.data() + i * image_bytes, dataset_.image(index), image_bytes);
    batch.params[i] = draw_augmentation(epoch, index);
    batch.labels[i] = labels_[index];
    batch.indices[i] = index;
  }
}

}  // namespace rlnas
