#include "search/train_settings.h"

#include <algorithm>
#include <cmath>

#include "kernels/words.h"
#include "search/spaces.h"
#include "search/training_data.h"

namespace rlnas {
namespace {

template <class T>
void check_range(const char* flag, T value, T low, T high) {
  // Written so that NaN fails too.
  RLNAS_CHECK(value >= low && value <= high, usage, flag, ": ", value, " is not in ", low, "..", high);
}

}  // namespace

void check_config(const TrainConfig& config) {
  const SpaceInfo& space = find_space(config.network.space).info();
  RLNAS_CHECK(config.recipe.sampling == PathSampling::per_net || space.every_cell_has_a_path, usage,
              "--sampling per-cell: ", config.network.space,
              " runs one path in the whole network; leave it out");
  check_range("--label-seed", config.labels.seed, std::int64_t{-1}, std::int64_t{0xffffffff});
  check_range("--label-classes", config.labels.classes, 0, 1 << 20);
  check_range("--epochs", config.recipe.epochs, 1, 1'000'000);
  check_range("--begin", config.mixture.begin, 0, 1'000'000);
  check_range("--mixture-learning-rate", config.mixture.learning_rate, 0.0, 1e6);
  check_range("--mixture-weight-decay", config.mixture.weight_decay, 0.0, 1e6);
  RLNAS_CHECK(config.mixture.method == TrainMethod::single_path || config.network.arch.empty(), usage,
              "--method ", word_of(config.mixture.method), ": searches; drop it, or --arch");
  check_range("--steps", config.run.steps, std::int64_t{0}, std::int64_t{1} << 40);
  RLNAS_CHECK(
      config.data.cutout == 0 || config.data.spec.empty() || !streams_images(config, config.data.spec), usage,
      "--cutout: images of --crop ", word_of(config.data.crop),
      " are not cut out of; drop it, or use --crop shift");
  check_range("--data-threads", config.data.threads, 0, 4096);
  check_range("--clip-norm", config.recipe.clip_norm, 0.0, 1e6);
  check_range("--clip-value", config.recipe.clip_value, 0.0, 1e6);
  check_range("--images", config.data.images, std::int64_t{0}, std::int64_t{1} << 31);
  check_range("--batch-size", config.recipe.batch_size, 1, 4096);
  check_range("--micro-batch", config.recipe.micro_batch, 0, 4096);
  check_range("--learning-rate", config.recipe.learning_rate, 0.0, 1e6);
  check_range("--min-learning-rate", config.recipe.min_learning_rate, 0.0, config.recipe.learning_rate);
  check_range("--momentum", config.recipe.momentum, 0.0, 1.0);
  check_range("--weight-decay", config.recipe.weight_decay, 0.0, 1e6);
  check_range("--label-smoothing", config.recipe.label_smoothing, 0.0, 1.0);
  check_range("--image-size", config.data.image_size, 8, 512);
  check_range("--cutout", config.data.cutout, 0, config.data.image_size);
  check_range("--channels", config.network.channels, 0, 1024);
  check_range("--cells", config.network.cells, 0, 100);
  check_range("--auxiliary", config.network.auxiliary, 0.0, 10.0);
  check_range("--drop-path", config.network.drop_path, 0.0, 0.99);
  check_range("--dropout", config.network.dropout, 0.0, 0.99);
  check_range("--eval-every", config.eval.every, 0, 1'000'000);
  check_range("--threads", config.device.threads, 0, CpuOptions::kMaxThreads);
  check_range("--checkpoint-every", config.run.checkpoint_every, 0, 1'000'000);
  check_range("--save-every", config.run.save_every_minutes, 0.0, 1e6);
  check_range("--log-every", config.run.log_every, 1, 1'000'000'000);
  RLNAS_CHECK(
      config.labels.kind == LabelKind::random || config.labels.classes == 0, usage,
      "--label-classes: only random labels have a free number of classes; drop it or use --labels random");
  RLNAS_CHECK(config.labels.kind == LabelKind::random || config.labels.seed < 0, usage,
              "--label-seed: true labels are not drawn; drop it or use --labels random");
  RLNAS_CHECK(config.eval.spec.empty() || !config.network.arch.empty(), usage,
              "--eval: a SuperNet is not evaluated; name an architecture by --arch, or drop it");
  RLNAS_CHECK(config.eval.spec.empty() || config.labels.kind == LabelKind::from_data, usage,
              "--eval: what is trained on random labels cannot be tested; use --labels true");
  RLNAS_CHECK(!config.eval.only || (!config.eval.spec.empty() && !config.run.resume.empty()), usage,
              "--eval-only: needs --eval DATA and the run by --resume");
  RLNAS_CHECK(config.recipe.compat != Compat::megvii || config.mixture.method == TrainMethod::single_path,
              usage, "--compat megvii: the published code of RLNAS has no --method ",
              word_of(config.mixture.method));
  RLNAS_CHECK(config.recipe.compat != Compat::megvii || config.recipe.seed <= 0xffffffff, usage,
              "--seed: --compat megvii takes seeds up to 4294967295");
  const int halvings = space.image_halvings, divisor = 1 << halvings;
  RLNAS_CHECK(config.data.image_size % divisor == 0, usage, "--image-size: ", config.data.image_size,
              " is not a multiple of ", divisor, " (the network of ", config.network.space, " halves it ",
              halvings, " times)");
}

DeviceOptions device_options(const TrainConfig& config) {
  DeviceOptions options;
  options.cpu.threads = config.device.threads;
  options.cpu.conv_algorithm = config.device.conv_algorithm;
  options.cuda.precision = config.device.precision;
  if (!config.device.deterministic) options.cuda.determinism = Determinism::off;
  if (config.device.cuda_graphs) options.cuda.graph_capture = GraphCapture::stages;
  options.cuda.pointwise = config.device.pointwise;
  options.cuda.norm_and_pool = config.device.norm_and_pool;
  options.cuda.plan_directory = config.device.plan_cache;
  return options;
}

std::vector<std::uint8_t> decayed_segments(const TrainConfig& config, const SegmentTable& table) {
  constexpr std::size_t kConvolutionRank = 4;
  std::vector<std::uint8_t> flags;
  for (const Segment& segment : table) {
    const bool classifier = segment.name.starts_with("classifier");
    flags.push_back(config.recipe.decay == Decay::all || segment.shape.size() == kConvolutionRank ||
                    (classifier && config.recipe.decay == Decay::convolutions_and_classifier));
  }
  return flags;
}

StepSpec step_spec(const TrainConfig& config, const ImageFormat& format) {
  StepSpec spec;
  spec.augment.height = format.height;
  spec.augment.width = format.width;
  for (std::size_t c = 0; c < std::size_t(AugmentSpec::kChannels); ++c) {
    spec.augment.mean[c] = format.normalisation.mean[c];
    spec.augment.inv_std[c] = 1.0f / format.normalisation.std[c];
  }
  spec.augment.cutout = config.data.cutout;
  spec.sgd.momentum = float(config.recipe.momentum);
  spec.sgd.weight_decay = float(config.recipe.weight_decay);
  spec.sgd.nesterov = config.recipe.nesterov;
  if (config.recipe.clip_value > 0.0) spec.sgd.clip.limit = float(config.recipe.clip_value);
  if (config.recipe.clip_norm > 0.0) spec.max_gradient_norm = float(config.recipe.clip_norm);
  spec.unsampled = config.recipe.unsampled;
  spec.label_smoothing = float(config.recipe.label_smoothing);
  spec.micro_batch = config.recipe.micro_batch;
  return spec;
}

ScheduleSpec schedule_spec(const TrainConfig& config, std::size_t images) {
  const std::size_t batch = std::size_t(config.recipe.batch_size);
  return {.kind = config.recipe.schedule,
          .initial = config.recipe.learning_rate,
          .minimum = config.recipe.min_learning_rate,
          .epochs = config.recipe.epochs,
          .steps_per_epoch = int((images + batch - 1) / batch),
          .full_batches = std::max(1, int(images / batch))};
}

}  // namespace rlnas
