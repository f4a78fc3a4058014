#include "data/image_loader.h"

#include "data/dataset_parts.h"
#include "data/file_io.h"
#include "data/parallel_for.h"
#include "kernels/check.h"

namespace rlnas {
namespace {

constexpr int kReplacementTries = 100;

}  // namespace

ImageLoader::ImageLoader(const ImageList& list, std::vector<std::uint32_t> indices,
                         std::vector<std::int32_t> labels, const ImageLoaderOptions& options)
    : list_(list),
      plan_(std::move(indices), options.plan, list.directory(), list.size()),
      labels_(std::move(labels)),
      options_(options) {
  RLNAS_CHECK(options.transform.size >= 8 && options.transform.size <= 1024, usage, "--image-size ",
              options.transform.size, ": 8 to 1024 pixels can be used");
  RLNAS_CHECK(labels_.size() == list_.size(), data, labels_.size(), " labels for the ", list_.size(),
              " images of ", list_.directory());
}

ImageFormat ImageLoader::format() const {
  const ImageTransform& transform = options_.transform;
  return {.height = transform.size, .width = transform.size, .normalisation = transform.normalisation};
}

std::unique_ptr<TransformScratch> ImageLoader::take_scratch() const {
  const std::lock_guard lock(mutex_);
  if (spare_scratch_.empty()) return std::make_unique<TransformScratch>();
  std::unique_ptr<TransformScratch> scratch = std::move(spare_scratch_.back());
  spare_scratch_.pop_back();
  return scratch;
}

std::string ImageLoader::try_image(std::uint32_t index, RandomStream random, AugmentParams& params,
                                   std::uint8_t* pixels) const {
  const std::string path = list_.path(index);
  std::string problem;
  std::unique_ptr<TransformScratch> scratch = take_scratch();
  try {
    params = transform_image(read_bytes(path), options_.transform, random, *scratch, pixels);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::data) throw;
    problem = named(path, error);
  }
  const std::lock_guard lock(mutex_);
  spare_scratch_.push_back(std::move(scratch));
  if (!problem.empty()) bad_.emplace(index, problem);
  return problem;
}

ImageLoader::Slot ImageLoader::make_image(int epoch, std::uint32_t index, std::uint8_t* pixels) const {
  Slot slot{.index = index, .params = {}};
  const RandomStream random(options_.plan.seed, "image", std::uint64_t(epoch), index);
  const std::string problem = try_image(index, random, slot.params, pixels);
  if (problem.empty()) return slot;
  RLNAS_CHECK(options_.bad_files == BadFiles::skip, data, problem, " (--strict-data makes bad files fatal)");
  RandomStream others(options_.plan.seed, "replacement", std::uint64_t(epoch), index);
  const std::vector<std::uint32_t>& indices = plan_.indices();
  for (int i = 0; i < kReplacementTries; ++i) {
    slot.index = indices[others.below(std::uint32_t(indices.size()))];
    if (try_image(slot.index, random, slot.params, pixels).empty()) return slot;
  }
  fail(ErrorCode::data, problem, " (and ", kReplacementTries,
       " others drawn in its place are bad too; --check-data lists bad files)");
}

void ImageLoader::fill(int epoch, int step, HostBatch& batch) const {
  const BatchPlan::Share share = plan_.share(epoch, step);
  const std::size_t image_bytes =
      std::size_t(options_.transform.size) * std::size_t(options_.transform.size) * 3;
  batch.epoch = epoch;
  batch.step = step;
  batch.count = int(share.count);
  batch.global_count = int(share.global_count);
  batch.images.resize(share.count * image_bytes);
  batch.params.resize(share.count);
  batch.labels.resize(share.count);
  batch.indices.resize(share.count);
  parallel_for(options_.threads, share.count, [&](std::size_t i) {
    const Slot slot = make_image(epoch, share.index(i), batch.images.data() + i * image_bytes);
    batch.params[i] = slot.params;
    batch.labels[i] = labels_[slot.index];
    batch.indices[i] = slot.index;
  });
}

std::vector<std::string> ImageLoader::bad_files() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> lines;
  for (const auto& [index, problem] : bad_) lines.push_back(problem);
  return lines;
}

}  // namespace rlnas
