#include "search/standalone.h"

#include "kernels/check.h"
#include "ops/drop.h"
#include "search/darts/genotype.h"
#include "search/darts/supernet.h"
#include "search/mobilenet/supernet.h"
#include "search/nasbench201/supernet.h"
#include "search/spaces.h"

namespace rlnas {
namespace {

constexpr const char* kAuxiliaryPrefix = "auxiliary_head.";

// What the three have in common.
class Standalone : public TrainingSpace {
 public:
  bool ranks_architectures() const override { return false; }
  std::vector<int> path_ops(std::int64_t) override { return {}; }
  AngleSummary angle_summary(const std::vector<AngleSums>&) const override { return {}; }
};

class Nasbench201Network final : public Standalone {
 public:
  Nasbench201Network(const TrainConfig& config, const StandaloneOptions& options)
      : cell_(nasbench201::parse_cell(config.network.arch)),
        network_({.classes = options.classes, .only = cell_}) {}

  const ModelBuilder& layout() const override { return network_.layout(); }
  Tensor forward(Context& context, const Tensor& images, std::int64_t) override {
    return network_.forward(context, images,
                            std::vector<nasbench201::Cell>(std::size_t(network_.searchable_cells()), cell_));
  }
  Tensor forward_largest(Context& context, const Tensor& images) override {
    return forward(context, images, 0);
  }

 private:
  nasbench201::Cell cell_;
  nasbench201::Supernet network_;
};

class DartsNetwork final : public Standalone {
 public:
  DartsNetwork(const TrainConfig& config, const StandaloneOptions& options)
      : architecture_(darts::parse_architecture(config.network.arch)),
        network_(spec_of(config, options), config.recipe.initializer,
                 darts::StandAlone{architecture_, config.network.auxiliary}),
        final_drop_path_(config.network.drop_path),
        seed_(config.recipe.seed),
        epochs_(config.recipe.epochs),
        options_(options) {
    RLNAS_CHECK(darts::is_legal(architecture_), usage,
                "--arch: every node of a DARTS cell takes exactly two inputs");
  }

  const ModelBuilder& layout() const override { return network_.layout(); }
  // Edges are dropped with a probability that grows by the epoch: e/E of the final one.
  Tensor forward(Context& context, const Tensor& images, std::int64_t step) override {
    const double share = double(step / options_.steps_per_epoch) / epochs_;
    return network_.forward(context, images, architecture_,
                            {final_drop_path_ * share, seed_, step, options_.rank});
  }
  Tensor forward_largest(Context& context, const Tensor& images) override {
    return network_.forward(context, images, architecture_, {final_drop_path_, seed_, 0, options_.rank});
  }

 private:
  static darts::NetworkSpec spec_of(const TrainConfig& config, const StandaloneOptions& options) {
    darts::NetworkSpec spec = darts::published_stand_alone(
        config.network.space == "darts-cifar" ? darts::Preset::cifar : darts::Preset::imagenet);
    spec.classes = options.classes;
    spec.image_size = config.data.image_size;
    if (config.network.channels > 0) spec.channels = config.network.channels;
    if (config.network.cells > 0) spec.cells = config.network.cells;
    return spec;
  }

  darts::Architecture architecture_;
  darts::Supernet network_;
  double final_drop_path_;
  std::uint64_t seed_;
  int epochs_;
  StandaloneOptions options_;
};

class MobilenetNetwork final : public Standalone {
 public:
  MobilenetNetwork(const TrainConfig& config, const StandaloneOptions& options)
      : architecture_(mobilenet::parse_architecture(config.network.arch)),
        network_(
            {.classes = options.classes, .initializer = config.recipe.initializer, .only = architecture_}),
        dropout_{config.network.dropout, config.recipe.seed, 0, options.rank} {}

  const ModelBuilder& layout() const override { return network_.layout(); }
  Tensor forward(Context& context, const Tensor& images, std::int64_t step) override {
    DropSpec dropout = dropout_;
    dropout.step = step;
    return network_.forward(context, images, architecture_, dropout);
  }
  Tensor forward_largest(Context& context, const Tensor& images) override {
    return forward(context, images, 0);
  }

 private:
  mobilenet::Architecture architecture_;
  mobilenet::Supernet network_;
  DropSpec dropout_;
};

}  // namespace

std::unique_ptr<TrainingSpace> make_standalone(const TrainConfig& config, const StandaloneOptions& options) {
  if (config.network.space == "nasbench201") return std::make_unique<Nasbench201Network>(config, options);
  if (config.network.space == "mobilenet") return std::make_unique<MobilenetNetwork>(config, options);
  return std::make_unique<DartsNetwork>(config, options);
}

std::unique_ptr<TrainingSpace> make_trained_network(const TrainConfig& config,
                                                    const StandaloneOptions& options) {
  return config.network.arch.empty() ? make_training_space(config, options.classes)
                                     : make_standalone(config, options);
}

std::int64_t parameters_without_auxiliary(const SegmentTable& table) {
  std::int64_t count = 0;
  for (const Segment& segment : table)
    if (!segment.name.starts_with(kAuxiliaryPrefix)) count += segment.count;
  return count;
}

}  // namespace rlnas
