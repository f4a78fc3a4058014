#include "search/training_data.h"

#include <algorithm>
#include <iterator>

#include "data/batch_loader.h"
#include "data/dataset_parts.h"
#include "data/image_loader.h"
#include "data/random_labels.h"
#include "data/split.h"
#include "kernels/check.h"
#include "search/spaces.h"

namespace rlnas {
namespace {

bool megvii(const TrainConfig& config) {
  return config.recipe.compat == Compat::megvii;
}

ImageTransform training_transform(const TrainConfig& config) {
  const ImageTransform transform = config.data.crop == TrainingCrop::area
                                       ? published_training_transform(config.data.image_size)
                                       : standard_training_transform(config.data.image_size);
  return config.data.augment ? transform
                             : evaluation_transform(config.data.image_size, transform.normalisation);
}

Dataset dataset_of(const MemoryImages& memory) {
  constexpr std::int64_t kMost = std::int64_t{1} << 31;
  RLNAS_CHECK(memory.pixels != nullptr && memory.labels != nullptr && memory.count <= kMost &&
                  memory.height > 0 && memory.height == memory.width && memory.classes > 0,
              usage, "images in memory: ", memory.count, " of ", memory.height, "x", memory.width, ", ",
              memory.classes, " classes: they need pixels, labels, classes and a square shape");
  Dataset dataset;
  dataset.name = "memory";
  dataset.height = memory.height;
  dataset.width = memory.width;
  dataset.classes = memory.classes;
  dataset.images.assign(memory.pixels, memory.pixels + std::size_t(memory.count) * dataset.image_bytes());
  dataset.labels.assign(memory.labels, memory.labels + memory.count);
  for (std::size_t i = 0; i < dataset.labels.size(); ++i)
    check_label("images in memory", i, dataset.labels[i], memory.classes);
  measure_normalisation(dataset);
  finish_dataset(dataset, "images in memory");
  return dataset;
}

void load_images(const TrainConfig& config, const DataSpec& spec, TrainingData& data) {
  if (streams_images(config, config.data.spec)) {
    data.list = ImageList::scan(spec.paths.front());
    data.fingerprint = data.list->fingerprint(config.data.threads);
    const ImageTransform transform = training_transform(config);
    data.format = {transform.size, transform.size, transform.normalisation};
    return;
  }
  data.dataset = config.data.memory.count > 0 ? dataset_of(config.data.memory)
                                              : load_dataset(spec, load_options(config, DataPart::training));
  data.fingerprint = data.dataset.fingerprint();
  data.format = {data.dataset.height, data.dataset.width, {data.dataset.mean, data.dataset.std}};
}

std::vector<std::int32_t> draw_labels(const TrainConfig& config, std::size_t count, int classes) {
  const std::uint64_t seed = config.labels.seed >= 0 ? std::uint64_t(config.labels.seed) : config.recipe.seed;
  return random_labels(count, classes, seed, megvii(config) ? LabelSource::numpy : LabelSource::philox);
}

}  // namespace

bool streams_images(const TrainConfig& config, const std::string& data) {
  return config.data.memory.count == 0 && config.data.crop != TrainingCrop::shift &&
         parse_data_spec(data).kind == "folder";
}

std::size_t TrainingData::memory_bytes() const {
  return dataset.images.size() + (list ? list->memory_bytes() : 0) + labels.size() * sizeof(std::int32_t) +
         indices.size() * sizeof(std::uint32_t);
}

LoadOptions load_options(const TrainConfig& config, DataPart part) {
  LoadOptions options;
  options.part = part;
  options.cifar_constants = find_space(config.network.space).info().cifar_constants;
  options.bad_files = config.data.strict ? BadFiles::fatal : BadFiles::skip;
  options.seed = config.recipe.seed;
  options.image_size = config.data.image_size;
  options.threads = config.data.threads;
  return options;
}

BatchPlanOptions batch_plan(const TrainConfig& config, const RankPlace& place, SampleOrder order) {
  return {.batch_size = config.recipe.batch_size,
          .seed = config.recipe.seed,
          .order = order,
          .rank = place.rank,
          .ranks = place.size};
}

TrainingData load_training_data(const TrainConfig& config) {
  const bool in_memory = config.data.memory.count > 0;
  RLNAS_CHECK(in_memory == config.data.spec.empty(), usage,
              in_memory ? "--data: images in memory were given too; leave one of them out"
                        : "--data: say what to train on, for example --data cifar10:DIR");
  const DataSpec spec = in_memory ? DataSpec{.kind = "memory"} : parse_data_spec(config.data.spec);
  TrainingData data;
  load_images(config, spec, data);
  const std::size_t count = data.list ? data.list->size() : data.dataset.size();
  RLNAS_CHECK(count > 0, data, "--data ", config.data.spec, ": holds no images");
  const bool half = spec.kind == "cifar10" && config.data.split == CifarSplit::half;
  RLNAS_CHECK(!half || count == 50000, data, "--data ", config.data.spec, ": ", count,
              " images, but the published training split is over 50000; use --split all");
  data.indices = half ? cifar10_split().train : all_indices(std::uint32_t(count));
  RLNAS_CHECK(std::size_t(config.data.images) <= data.indices.size(), usage, "--images: ", config.data.images,
              " is more than the ", data.indices.size(), " training images of ", config.data.spec);
  if (config.data.images > 0) data.indices.resize(std::size_t(config.data.images));

  if (config.mixture.method != TrainMethod::single_path) {
    RLNAS_CHECK(data.indices.size() >= 2, usage, "--method: one image cannot be split into two halves");
    const auto middle = data.indices.begin() + std::ptrdiff_t(data.indices.size() / 2);
    data.held_out.assign(middle, data.indices.end());
    data.indices.erase(middle, data.indices.end());
  }

  const bool random = config.labels.kind == LabelKind::random;
  data.classes = random && config.labels.classes > 0 ? config.labels.classes : data.true_classes();
  RLNAS_CHECK(data.classes >= 2, usage, "--label-classes: ", config.data.spec, " has ", data.classes,
              " class; give a number of random classes of at least 2");
  if (random)
    data.labels = draw_labels(config, count, data.classes);
  else
    data.labels = data.list ? data.list->labels() : data.dataset.labels;
  return data;
}

TrainingBatches::TrainingBatches(const TrainConfig& config, const TrainingData& data,
                                 std::vector<std::uint32_t> indices, const RankPlace& place) {
  if (data.list) {
    auto loader = std::make_unique<ImageLoader>(
        *data.list, std::move(indices), data.labels,
        ImageLoaderOptions{
            .plan = batch_plan(config, place,
                               megvii(config) ? SampleOrder::shuffled_once : SampleOrder::shuffled),
            .transform = training_transform(config),
            .bad_files = config.data.strict ? BadFiles::fatal : BadFiles::skip,
            .threads = config.data.threads});
    streamed_ = loader.get();
    source_ = std::move(loader);
    return;
  }
  source_ = std::make_unique<BatchLoader>(
      data.dataset, std::move(indices), data.labels,
      BatchLoaderOptions{
          .plan = batch_plan(config, place, SampleOrder::shuffled),
          .augmentation = config.data.augment ? Augmentation::crop_and_flip : Augmentation::none,
          .cutout = config.data.cutout > 0 ? Cutout::drawn : Cutout::no});
}

TrainingBatches::~TrainingBatches() = default;

std::vector<std::string> TrainingBatches::new_bad_files() {
  if (streamed_ == nullptr) return {};
  std::vector<std::string> all = streamed_->bad_files(), fresh;
  std::sort(all.begin(), all.end());
  std::set_difference(all.begin(), all.end(), reported_.begin(), reported_.end(), std::back_inserter(fresh));
  reported_ = std::move(all);
  return fresh;
}

}  // namespace rlnas
