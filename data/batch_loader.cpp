#include "data/batch_loader.h"

#include <cstring>

#include "engine/philox.h"
#include "kernels/check.h"

namespace rlnas {

BatchLoader::BatchLoader(const Dataset& dataset, std::vector<std::uint32_t> indices,
                         std::vector<std::int32_t> labels, const BatchLoaderOptions& options)
    : dataset_(dataset),
      plan_(std::move(indices), options.plan, dataset.name, dataset.size()),
      labels_(std::move(labels)),
      augmentation_(options.augmentation),
      cutout_(options.cutout) {
  RLNAS_CHECK(labels_.size() == dataset_.size(), data, labels_.size(), " labels for the ", dataset_.size(),
              " images of ", dataset_.name);
}

ImageFormat BatchLoader::format() const {
  return {.height = dataset_.height, .width = dataset_.width, .normalisation = {dataset_.mean, dataset_.std}};
}

AugmentParams BatchLoader::draw_augmentation(int epoch, std::uint32_t index) const {
  AugmentParams params;
  if (augmentation_ == Augmentation::none) return params;
  RandomStream random(plan_.options().seed, "augment", std::uint64_t(epoch), index);
  const int padding = dataset_.crop_padding;
  params.flip = std::int16_t(random.below(2));
  params.shift_y = std::int16_t(int(random.below(std::uint32_t(2 * padding + 1))) - padding);
  params.shift_x = std::int16_t(int(random.below(std::uint32_t(2 * padding + 1))) - padding);
  if (cutout_ == Cutout::drawn) {
    params.cutout_y = std::int16_t(random.below(std::uint32_t(dataset_.height)));
    params.cutout_x = std::int16_t(random.below(std::uint32_t(dataset_.width)));
  }
  return params;
}

void BatchLoader::fill(int epoch, int step, HostBatch& batch) const {
  const BatchPlan::Share share = plan_.share(epoch, step);
  const std::size_t image_bytes = dataset_.image_bytes();
  batch.epoch = epoch;
  batch.step = step;
  batch.count = int(share.count);
  batch.global_count = int(share.global_count);
  batch.images.resize(share.count * image_bytes);
  batch.params.resize(share.count);
  batch.labels.resize(share.count);
  batch.indices.resize(share.count);
  for (std::size_t i = 0; i < share.count; ++i) {
    const std::uint32_t index = share.index(i);
    std::memcpy(batch.images.data() + i * image_bytes, dataset_.image(index), image_bytes);
    batch.params[i] = draw_augmentation(epoch, index);
    batch.labels[i] = labels_[index];
    batch.indices[i] = index;
  }
}

}  // namespace rlnas
