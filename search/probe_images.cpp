#include "search/probe_images.h"

#include <sstream>

#include "kernels/check.h"
#include "rlnas/train.hpp"
#include "search/training_data.h"

namespace rlnas {
namespace {

TrainConfig config_of(const std::string& data, const Space& space, const NetworkOptions& network, int batch,
                      std::uint64_t seed) {
  TrainConfig config = space.supernet_recipe();
  config.network.space = space.name();
  config.data.spec = data;
  config.data.image_size = network.image_size;
  config.data.augment = false;
  config.data.cutout = 0;
  config.labels.kind = LabelKind::from_data;
  config.recipe.batch_size = batch;
  config.recipe.seed = seed;
  return config;
}

// What is said of the training images' flag holds for this one.
[[noreturn]] void rethrow_for_probe(const Error& error) {
  constexpr std::string_view kFlag = "--data ";
  const std::string text = error.what();
  fail(error.code(),
       text.starts_with(kFlag) ? "--probe-data " + text.substr(kFlag.size()) : "--probe-data: " + text);
}

}  // namespace

struct ProbeImages::Loaded {
  explicit Loaded(const TrainConfig& config)
      : data(load_training_data(config)),
        batches(config, data, RankPlace{}),
        whole_batches(int(data.indices.size()) / config.recipe.batch_size) {}

  TrainingData data;
  TrainingBatches batches;
  int whole_batches;
};

ProbeImages::ProbeImages(const std::string& data, const Space& space, const NetworkOptions& network,
                         int batch, std::uint64_t seed) {
  try {
    loaded_ = std::make_unique<const Loaded>(config_of(data, space, network, batch, seed));
  } catch (const Error& error) {
    rethrow_for_probe(error);
  }
  const TrainingData& images = loaded_->data;
  RLNAS_CHECK(loaded_->whole_batches > 0, usage, "--probe-data ", data, ": has ", images.indices.size(),
              " images, fewer than a batch of --probe-batch ", batch);
  RLNAS_CHECK(images.classes == network.classes, usage, "--probe-data ", data, ": has ", images.classes,
              " classes, but the networks tell ", network.classes, "; say --classes ", images.classes);
  RLNAS_CHECK(images.format.height == network.image_size, usage, "--probe-data ", data, ": has images of ",
              images.format.height, " pixels, but the networks take ", network.image_size,
              "; say --image-size ", images.format.height);
  std::ostringstream text;
  text << data.substr(0, data.find(':')) << " images " << std::hex << images.fingerprint.contents;
  stamp_ = text.str();
}

ProbeImages::~ProbeImages() = default;

const ProbeImages::Batch& ProbeImages::batch(int draw, int index) const {
  const std::lock_guard lock(mutex_);
  const auto [place, is_new] = batches_.try_emplace({draw, index});
  Batch& batch = place->second;
  if (!is_new) return batch;
  HostBatch pixels;
  loaded_->batches.source().fill(draw, index % loaded_->whole_batches, pixels);
  const Normalisation& scale = loaded_->data.format.normalisation;
  batch.labels = pixels.labels;
  batch.images.reserve(pixels.images.size());
  for (std::size_t i = 0; i < pixels.images.size(); ++i)
    batch.images.push_back((float(pixels.images[i]) - scale.mean[i % 3]) / scale.std[i % 3]);
  return batch;
}

}  // namespace rlnas
