// The network that a run trains: the SuperNet of a space along sampled paths, or one found architecture by
// itself (method.md 10), which --arch asks for and which has no paths to sample and no angle, or all
// candidates at once, weighted, for a differentiable search (--method), which has neither.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "ops/graph_program.h"
#include "ops/network_layout.h"
#include "search/space.h"

namespace rlnas {

struct AngleSummary {
  double mean_rad = 0.0, min_rad = 0.0, max_rad = 0.0;
};

class TrainedNetwork {
 public:
  static constexpr int kAngleSample = 1000;  // architectures of the angle summary

  // Along the paths of `sampler`, or whatever forward_along() is asked for.
  TrainedNetwork(const Space& space, const NetworkOptions& options, Initializer initializer, Compat compat,
                 StepPaths sampler);
  // The stand-alone network of `only`. In training edges are dropped with a probability that grows from 0 to
  // that of drops.paths epoch by epoch; values with that of drops.values.
  struct DropSchedule {
    Program::Drops drops;
    int steps_per_epoch = 1;
    int epochs = 1;
  };
  TrainedNetwork(const Space& space, const NetworkOptions& options, Initializer initializer, Genes only,
                 const DropSchedule& drops);

  // The mixed network of a differentiable search.
  TrainedNetwork(const Space& space, const NetworkOptions& options, Initializer initializer);

  const Space& space() const { return space_; }
  const NetworkOptions& options() const { return options_; }
  const ModelBuilder& layout() const { return layout_.tensors(); }

  // Logits [N,classes] of images [N,H,W,3] along the path (or paths) of training step `step`.
  Tensor forward(Context& context, const Tensor& images, std::int64_t step);
  // The same along the path that needs the most memory, for planning.
  Tensor forward_largest(Context& context, const Tensor& images);
  // Along one path for the whole network, or one for each cell that has its own.
  Graph graph(std::span<const Genes> paths) const { return space_.network(options_, paths); }
  // Of the path that needs the most memory, or of the network that always runs the same.
  Graph largest_graph() const;
  Program program(std::span<const Genes> paths, const ProgramOptions& options) const {
    return {graph(paths), layout_, options};
  }
  Program::Result forward_along(Context& context, const Tensor& images, std::span<const Genes> paths,
                                const std::vector<int>& taps = {}) const;

  // Whether the weights rank architectures: not those of a stand-alone network, which has no angle_summary.
  bool ranks_architectures() const { return options_.kind == NetworkKind::supernet; }
  // Of a mixed network.
  const std::optional<MixtureSpec>& mixture() const { return mixture_; }
  // The path of a step of a SuperNet, or one for each cell that has its own.
  std::vector<Genes> paths(std::int64_t step) { return sampler_(step); }
  // Angles of a fixed sample of architectures, from the sums of every segment of the layout.
  AngleSummary angle_summary(const std::vector<AngleSums>& sums) const;

 private:
  Tensor run_only(Context& context, const Tensor& images, const Program::Drops& drops);

  const Space& space_;
  NetworkOptions options_;
  NetworkLayout layout_;
  Compat compat_ = Compat::none;
  StepPaths sampler_;
  std::vector<Genes> angle_sample_;
  Genes only_;  // of a stand-alone network
  DropSchedule drops_;
  std::optional<MixtureSpec> mixture_;
  struct KeptProgram {
    bool trains, drops_paths, drops_values;
    Program program;
  };
  std::vector<KeptProgram> kept_;  // of a network that always runs the same
};

struct StandAloneOptions {
  int classes = 10;
  int image_size = 0;       // of the data, where these have one; 0: that of config
  int steps_per_epoch = 1;  // drop path grows epoch by epoch
  int rank = 0;             // every rank drops by draws of its own
};

// The SuperNet and path sampler of config.space.
std::unique_ptr<TrainedNetwork> make_training_space(const TrainConfig& config, int classes);

// The network of --arch in --space. Errors: usage for a text that is no architecture of the space.
std::unique_ptr<TrainedNetwork> make_stand_alone(const TrainConfig& config, const StandAloneOptions& options);

// The mixed network of --method. Errors: usage where the space has none.
std::unique_ptr<TrainedNetwork> make_mixed(const TrainConfig& config, int classes);

// The same if config has an --arch, the mixed network if it has a --method other than single-path, and its
// SuperNet otherwise: what train() trains.
std::unique_ptr<TrainedNetwork> make_trained_network(const TrainConfig& config,
                                                     const StandAloneOptions& options);

// The elements of all tensors but those of an auxiliary head, which the trained network goes without.
std::int64_t parameters_without_auxiliary(const SegmentTable& table);

}  // namespace rlnas
