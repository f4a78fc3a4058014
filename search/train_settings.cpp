#include "search/train_settings.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>

#include "kernels/check.h"
#include "search/spaces.h"
#include "search/training_data.h"

namespace rlnas {
namespace {

void check_word(const char* flag, const std::string& value, std::initializer_list<const char*> allowed) {
  std::string list;
  for (const char* word : allowed) {
    if (value == word) return;
    list += (list.empty() ? "" : ", ") + std::string(word);
  }
  fail(ErrorCode::usage, flag, ": '", value, "' is not one of ", list);
}

template <class T>
void check_range(const char* flag, T value, T low, T high) {
  // Written so that NaN fails too.
  RLNAS_CHECK(value >= low && value <= high, usage, flag, ": ", value, " is not in ", low, "..", high);
}

bool megvii(const TrainConfig& config) {
  return config.compat == "megvii";
}

}  // namespace

void check_config(const TrainConfig& config) {
  const SpaceInfo& space = find_space(config.space).info();
  check_word("--labels", config.labels, {"random", "true"});
  check_word("--compat", config.compat, {"none", "megvii"});
  check_word("--sampling", config.sampling, {"per-cell", "per-net"});
  RLNAS_CHECK(config.sampling == "per-net" || space.every_cell_has_a_path, usage,
              "--sampling per-cell: ", config.space, " runs one path in the whole network; leave it out");
  check_word("--unsampled", config.unsampled, {"coast", "freeze"});
  check_range("--label-seed", config.label_seed, std::int64_t{-1}, std::int64_t{0xffffffff});
  check_range("--label-classes", config.label_classes, 0, 1 << 20);
  check_range("--epochs", config.epochs, 1, 1'000'000);
  check_range("--steps", config.steps, std::int64_t{0}, std::int64_t{1} << 40);
  check_word("--crop", config.crop, {"shift", "area", "resized"});
  RLNAS_CHECK(config.cutout == 0 || config.data.empty() || !streams_images(config, config.data), usage,
              "--cutout: images of --crop ", config.crop,
              " are not cut out of; drop it, or use --crop shift");
  check_range("--data-threads", config.data_threads, 0, 4096);
  check_word("--split", config.split, {"half", "all"});
  check_word("--decay", config.decay, {"all", "convolutions", "convolutions-and-classifier"});
  parse_initializer(config.initializer);
  parse_schedule(config.schedule);
  check_range("--clip-norm", config.clip_norm, 0.0, 1e6);
  check_range("--clip-value", config.clip_value, 0.0, 1e6);
  check_range("--images", config.images, std::int64_t{0}, std::int64_t{1} << 31);
  check_range("--batch-size", config.batch_size, 1, 4096);
  check_range("--learning-rate", config.learning_rate, 0.0, 1e6);
  check_range("--min-learning-rate", config.min_learning_rate, 0.0, config.learning_rate);
  check_range("--momentum", config.momentum, 0.0, 1.0);
  check_range("--weight-decay", config.weight_decay, 0.0, 1e6);
  check_range("--label-smoothing", config.label_smoothing, 0.0, 1.0);
  check_range("--image-size", config.image_size, 8, 512);
  check_range("--cutout", config.cutout, 0, config.image_size);
  check_range("--channels", config.channels, 0, 1024);
  check_range("--cells", config.cells, 0, 100);
  check_range("--auxiliary", config.auxiliary, 0.0, 10.0);
  check_range("--drop-path", config.drop_path, 0.0, 0.99);
  check_range("--dropout", config.dropout, 0.0, 0.99);
  check_range("--eval-every", config.eval_every, 0, 1'000'000);
  check_range("--threads", config.threads, 0, CpuOptions::kMaxThreads);
  parse_conv_algorithm(config.conv_algorithm);
  parse_precision(config.precision);
  check_word("--norm-and-pool", config.norm_and_pool, {"own", "cudnn"});
  check_range("--checkpoint-every", config.checkpoint_every, 0, 1'000'000);
  check_range("--save-every", config.save_every_minutes, 0.0, 1e6);
  check_range("--log-every", config.log_every, 1, 1'000'000'000);
  RLNAS_CHECK(
      config.labels == "random" || config.label_classes == 0, usage,
      "--label-classes: only random labels have a free number of classes; drop it or use --labels random");
  RLNAS_CHECK(config.labels == "random" || config.label_seed < 0, usage,
              "--label-seed: true labels are not drawn; drop it or use --labels random");
  RLNAS_CHECK(config.eval.empty() || !config.arch.empty(), usage,
              "--eval: a SuperNet is not evaluated; name an architecture by --arch, or drop it");
  RLNAS_CHECK(config.eval.empty() || config.labels == "true", usage,
              "--eval: what is trained on random labels cannot be tested; use --labels true");
  RLNAS_CHECK(!config.eval_only || (!config.eval.empty() && !config.resume.empty()), usage,
              "--eval-only: needs --eval DATA and the run by --resume");
  RLNAS_CHECK(!megvii(config) || config.seed <= 0xffffffff, usage,
              "--seed: --compat megvii takes seeds up to 4294967295");
  const int halvings = space.image_halvings, divisor = 1 << halvings;
  RLNAS_CHECK(config.image_size % divisor == 0, usage, "--image-size: ", config.image_size,
              " is not a multiple of ", divisor, " (the network of ", config.space, " halves it ", halvings,
              " times)");
}

DeviceOptions device_options(const TrainConfig& config) {
  DeviceOptions options;
  options.cpu.threads = config.threads;
  options.cpu.conv_algorithm = parse_conv_algorithm(config.conv_algorithm);
  options.cuda.precision = parse_precision(config.precision);
  if (!config.deterministic) options.cuda.determinism = Determinism::off;
  if (config.cuda_graphs) options.cuda.graph_capture = GraphCapture::stages;
  if (config.norm_and_pool == "cudnn") options.cuda.norm_and_pool = NormAndPool::cudnn;
  options.cuda.plan_directory = config.plan_cache;
  return options;
}

std::vector<std::uint8_t> decayed_segments(const TrainConfig& config, const SegmentTable& table) {
  constexpr std::size_t kConvolutionRank = 4;
  std::vector<std::uint8_t> flags;
  for (const Segment& segment : table) {
    const bool classifier = segment.name.starts_with("classifier");
    flags.push_back(config.decay == "all" || segment.shape.size() == kConvolutionRank ||
                    (classifier && config.decay == "convolutions-and-classifier"));
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
  spec.augment.cutout = config.cutout;
  spec.sgd.momentum = float(config.momentum);
  spec.sgd.weight_decay = float(config.weight_decay);
  spec.sgd.nesterov = config.nesterov;
  if (config.clip_value > 0.0) spec.sgd.clip.limit = float(config.clip_value);
  if (config.clip_norm > 0.0) spec.max_gradient_norm = float(config.clip_norm);
  spec.unsampled = config.unsampled == "freeze" ? Unsampled::freeze : Unsampled::coast;
  spec.label_smoothing = float(config.label_smoothing);
  return spec;
}

ScheduleSpec schedule_spec(const TrainConfig& config, std::size_t images) {
  const std::size_t batch = std::size_t(config.batch_size);
  return {.kind = parse_schedule(config.schedule),
          .initial = config.learning_rate,
          .minimum = config.min_learning_rate,
          .epochs = config.epochs,
          .steps_per_epoch = int((images + batch - 1) / batch),
          .full_batches = std::max(1, int(images / batch))};
}

}  // namespace rlnas
