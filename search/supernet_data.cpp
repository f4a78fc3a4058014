#include "search/supernet_data.h"

#include <algorithm>
#include <iterator>
#include <sstream>

#include "data/split.h"
#include "engine/crc32.h"
#include "engine/philox.h"
#include "kernels/check.h"
#include "search/checkpoint.h"
#include "search/evaluation.h"
#include "search/spaces.h"
#include "search/train_settings.h"
#include "search/training_data.h"

namespace rlnas {
namespace {

// The order of an epoch's images; the tests are taken from another one's than the recalibration, since both
// may be of the same images.
constexpr int kRecalibrationEpoch = 1, kTestEpoch = 0;

bool random_labels_of(const TrainConfig& run) {
  return run.labels.kind == LabelKind::random;
}

void check_figures(const SuperNetConfig& config) {
  RLNAS_CHECK(config.recalibration_batches >= 0 && config.recalibration_batches <= 100000, usage,
              "--recalibration-batches ", config.recalibration_batches, ": must be in 0..100000");
  RLNAS_CHECK(config.eval_images >= 0, usage, "--eval-images ", config.eval_images,
              ": must not be negative; 0: all");
  RLNAS_CHECK(config.batch > 1 && config.batch <= 4096, usage, "--eval-batch ", config.batch,
              ": must be in 2..4096");
  RLNAS_CHECK(!config.run.data.spec.empty(), usage,
              "--data: say what images the SuperNet was trained on, for example --data cifar10:DIR");
  RLNAS_CHECK(config.run.eval.spec.empty() || !random_labels_of(config.run), usage,
              "--eval: a SuperNet trained on random labels can be tried on nothing but its training images; "
              "leave it out");
}

std::vector<std::uint32_t> held_out(const TrainingData& data) {
  const std::vector<std::uint32_t> all = all_indices(std::uint32_t(data.labels.size()));
  std::vector<std::uint32_t> rest;
  std::ranges::set_difference(all, data.indices, std::back_inserter(rest));
  return rest;
}

void cut(HostBatch& batch, std::size_t count, std::size_t image_bytes) {
  if (std::size_t(batch.count) <= count) return;
  batch.count = batch.global_count = int(count);
  batch.images.resize(count * image_bytes);
  batch.params.resize(count);
  batch.labels.resize(count);
  batch.indices.resize(count);
}

}  // namespace

SuperNetData::SuperNetData(const SuperNetConfig& config, int classes, const Needs& needs)
    : config_(config), space_(find_space(config.run.network.space)) {
  network_ = {.kind = NetworkKind::supernet,
              .classes = classes,
              .image_size = search_defaults(space_.name()).image_size};
  if (needs.images) {
    check_figures(config_);
    load_images();
  }
  layout_.emplace(space_.network(network_, {}), Initializer::pytorch);
  read_weights();
  stamp_it();
}

void SuperNetData::read_weights() {
  const TensorFile file = read_safetensors(config_.weights);
  const ModelBuilder& tensors = layout_->tensors();
  weights_ = read_tensors(file, config_.weights, tensors.parameters(), "");
  RLNAS_CHECK(all_finite(weights_), data, config_.weights, ": holds NaN or infinite weights");
  if (!tests_.empty() && config_.recalibration_batches == 0)
    statistics_ = read_tensors(file, config_.weights, tensors.statistics(), "");
}

void SuperNetData::load_images() {
  TrainConfig run = config_.run;
  run.recipe.batch_size = config_.batch;
  TrainingData data = load_training_data(run);
  RLNAS_CHECK(data.classes == network_.classes, usage, "--data ", run.data.spec, ": has ", data.classes,
              " classes to tell, but the SuperNet was trained to tell ", network_.classes);
  data_checksum_ = data.fingerprint.contents;
  RLNAS_CHECK(!random_labels_of(run) || config_.data_checksum.value_or(data_checksum_) == data_checksum_,
              data, "--data ", run.data.spec,
              ": these are not the images that the SuperNet was trained on, whose random labels are known");
  network_.image_size = data.format.height;
  augment_ = step_spec(run, data.format).augment;
  take_recalibration(run, data);

  const std::string of_data = " of " + run.data.spec;
  if (!run.eval.spec.empty()) {
    const TestImages images(run, data, {}, SampleOrder::shuffled);
    take_tests(images.source(), images.size(), "images of --eval " + run.eval.spec + ", true labels");
    return;
  }
  const bool random = random_labels_of(run);
  if (!random) data.indices = held_out(data);
  RLNAS_CHECK(!data.indices.empty(), usage, "--data ", run.data.spec,
              ": the SuperNet was trained on all of these images; name others to try it on with --eval, for "
              "example the data's own test images: --eval ",
              run.data.spec);
  run.data.augment = false;
  run.data.cutout = 0;
  const TrainingBatches batches(run, data, {});
  take_tests(batches.source(), data.indices.size(),
             random ? "training images" + of_data + ", the random labels it was trained on"
                    : "held-out images" + of_data + ", true labels");
}

// A last batch of a few images would count as much as a whole one, and is left out.
void SuperNetData::take_recalibration(const TrainConfig& run, const TrainingData& data) {
  const TrainingBatches batches(run, data, {});
  const int whole = std::max(1, int(data.indices.size()) / config_.batch);
  recalibration_.resize(std::size_t(config_.recalibration_batches));
  for (int i = 0; i < config_.recalibration_batches; ++i)
    batches.source().fill(kRecalibrationEpoch + i / whole, i % whole, recalibration_[std::size_t(i)]);
}

void SuperNetData::take_tests(const BatchSource& source, std::size_t images, const std::string& what) {
  const std::size_t wanted =
      config_.eval_images > 0 ? std::min(images, std::size_t(config_.eval_images)) : images;
  std::size_t taken = 0;
  for (int step = 0; taken < wanted; ++step) {
    HostBatch& batch = tests_.emplace_back();
    source.fill(kTestEpoch, step, batch);
    cut(batch, wanted - taken, std::size_t(augment_.height) * augment_.width * AugmentSpec::kChannels);
    taken += std::size_t(batch.count);
  }
  std::ostringstream text;
  text << wanted;
  if (wanted < images) text << " of " << images;
  text << ' ' << what << "; batch norms by ";
  if (recalibration_.empty())
    text << "the running statistics of training";
  else
    text << recalibration_.size() << " batch" << (recalibration_.size() == 1 ? "" : "es") << " of "
         << recalibration_.front().count << " training images along each path";
  description_ = text.str();
}

AugmentSpec SuperNetData::test_augment() const {
  AugmentSpec spec = augment_;
  spec.cutout = 0;
  return spec;
}

const std::vector<std::vector<float>>& SuperNetData::noised_weights(const std::vector<double>& added) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::vector<float>>& levels = noised_[added];
  for (std::size_t k = levels.size(); k < added.size(); ++k) {
    std::vector<float> level = k == 0 ? weights_ : levels[k - 1];
    for (const Segment& segment : layout_->tensors().parameters()) {
      RandomStream random(0, "weight noise " + segment.name, k);
      float* const first = level.data() + segment.offset;
      for (float* w = first; w != first + segment.count; ++w) *w += float(added[k] * random.normal());
    }
    levels.push_back(std::move(level));
  }
  return levels;
}

void SuperNetData::stamp_it() {
  const auto crc = [](const auto& values) {
    return crc32_of(values.data(), values.size() * sizeof(values.front()));
  };
  std::ostringstream text;
  text << "SuperNet " << std::hex << crc(weights_) << std::dec;
  if (!tests_.empty()) {
    std::uint32_t pixels = 0, labels = 0;
    for (const HostBatch& batch : tests_) {
      pixels = pixels * 31 + crc(batch.images);
      labels = labels * 31 + crc(batch.labels);
    }
    text << std::hex << ", images " << data_checksum_ << ", tried on " << pixels << " " << labels << std::dec
         << ", batches of " << config_.batch << ", " << config_.recalibration_batches << " for statistics";
  }
  stamp_ = text.str();
}

}  // namespace rlnas
