#include "search/trained_network.h"

#include <algorithm>
#include <utility>

#include "kernels/check.h"
#include "search/architecture_angles.h"
#include "search/spaces.h"

namespace rlnas {
namespace {

constexpr const char* kAuxiliaryPrefix = "auxiliary_head.";

NetworkOptions with_kind(NetworkOptions options, NetworkKind kind) {
  options.kind = kind;
  return options;
}

}  // namespace

TrainedNetwork::TrainedNetwork(const Space& space, const NetworkOptions& options, Initializer initializer,
                               Compat compat, StepPaths sampler)
    : space_(space),
      options_(with_kind(options, NetworkKind::supernet)),
      layout_(space.network(options_, {}), initializer),
      compat_(compat),
      sampler_(std::move(sampler)),
      angle_sample_(space.angle_sample(kAngleSample)) {}

TrainedNetwork::TrainedNetwork(const Space& space, const NetworkOptions& options, Initializer initializer,
                               Genes only, const DropSchedule& drops)
    : space_(space),
      options_(with_kind(options, NetworkKind::stand_alone)),
      layout_(space.network(options_, {&only, 1}), initializer),
      only_(std::move(only)),
      drops_(drops) {}

TrainedNetwork::TrainedNetwork(const Space& space, const NetworkOptions& options, Initializer initializer)
    : space_(space),
      options_(with_kind(options, NetworkKind::mixed)),
      layout_(space.network(options_, {}), initializer),
      mixture_(space.mixture(options_)) {}

Program::Result TrainedNetwork::forward_along(Context& context, const Tensor& images,
                                              std::span<const Genes> paths,
                                              const std::vector<int>& taps) const {
  return program(paths, {.trains = context.records(), .taps = taps}).run(context, images, {});
}

Tensor TrainedNetwork::run_only(Context& context, const Tensor& images, const Program::Drops& drops) {
  const bool trains = context.records(), paths = drops.paths.active(context),
             values = drops.values.active(context);
  auto kept = std::find_if(kept_.begin(), kept_.end(), [&](const KeptProgram& k) {
    return k.trains == trains && k.drops_paths == paths && k.drops_values == values;
  });
  if (kept == kept_.end()) {
    const ProgramOptions options{.trains = trains, .drops_paths = paths, .drops_values = values};
    kept_.push_back({trains, paths, values, Program(largest_graph(), layout_, options)});
    kept = kept_.end() - 1;
  }
  return kept->program.run(context, images, drops).logits;
}

Tensor TrainedNetwork::forward(Context& context, const Tensor& images, std::int64_t step) {
  if (ranks_architectures()) return forward_along(context, images, paths(step)).logits;
  Program::Drops drops = drops_.drops;
  drops.paths.probability *= double(step / drops_.steps_per_epoch) / drops_.epochs;
  drops.paths.step = drops.values.step = step;
  return run_only(context, images, drops);
}

Tensor TrainedNetwork::forward_largest(Context& context, const Tensor& images) {
  if (!ranks_architectures()) return run_only(context, images, drops_.drops);
  const Genes largest = space_.largest();
  return forward_along(context, images, {&largest, 1}).logits;
}

Graph TrainedNetwork::largest_graph() const {
  if (mixture_) return graph({});
  const Genes genes = ranks_architectures() ? space_.largest() : only_;
  return graph({&genes, 1});
}

AngleSummary TrainedNetwork::angle_summary(const std::vector<AngleSums>& sums) const {
  const ArchitectureAngles angles(space_,
                                  make_angle_table(space_, options_, layout().parameters(), sums, compat_));
  AngleSummary summary{.mean_rad = 0.0, .min_rad = 4.0, .max_rad = 0.0};
  for (const Genes& genes : angle_sample_) {
    const double angle = angles.angle_rad(genes);
    summary.mean_rad += angle / double(angle_sample_.size());
    summary.min_rad = std::min(summary.min_rad, angle);
    summary.max_rad = std::max(summary.max_rad, angle);
  }
  return summary;
}

std::unique_ptr<TrainedNetwork> make_training_space(const TrainConfig& config, int classes) {
  const Space& space = find_space(config.network.space);
  const NetworkOptions options{.classes = classes, .image_size = config.data.image_size};
  const Compat compat = config.recipe.compat == Compat::megvii ? Compat::megvii : Compat::none;
  const bool own_paths =
      space.info().every_cell_has_a_path && config.recipe.sampling == PathSampling::per_cell;
  return std::make_unique<TrainedNetwork>(
      space, options, config.recipe.initializer, compat,
      space.make_sampler({.seed = config.recipe.seed,
                          .compat = compat,
                          .own_paths = own_paths ? space.searchable_cells(options) : 0}));
}

std::unique_ptr<TrainedNetwork> make_stand_alone(const TrainConfig& config, const StandAloneOptions& o) {
  const Space& space = find_space(config.network.space);
  Genes genes = space.parse(config.network.arch);
  RLNAS_CHECK(space.valid(genes), usage, "--arch: ", space.rule());
  const NetworkOptions options{.kind = NetworkKind::stand_alone,
                               .classes = o.classes,
                               .image_size = config.data.image_size,
                               .channels = config.network.channels,
                               .cells = config.network.cells,
                               .auxiliary_weight = config.network.auxiliary};
  return std::make_unique<TrainedNetwork>(
      space, options, config.recipe.initializer, std::move(genes),
      TrainedNetwork::DropSchedule{{{config.network.drop_path, config.recipe.seed, 0, o.rank},
                                    {config.network.dropout, config.recipe.seed, 0, o.rank}},
                                   o.steps_per_epoch,
                                   config.recipe.epochs});
}

std::unique_ptr<TrainedNetwork> make_mixed(const TrainConfig& config, int classes) {
  constexpr int kPublishedShare = 4;
  const Space& space = find_space(config.network.space);
  const NetworkOptions options{
      .kind = NetworkKind::mixed,
      .classes = classes,
      .image_size = config.data.image_size,
      .channels = config.network.channels,
      .cells = config.network.cells,
      .channel_share = config.mixture.method == TrainMethod::pc_darts ? kPublishedShare : 1};
  space.mixture(options);  // there is one
  return std::make_unique<TrainedNetwork>(space, options, config.recipe.initializer);
}

std::unique_ptr<TrainedNetwork> make_trained_network(const TrainConfig& config,
                                                     const StandAloneOptions& options) {
  TrainConfig sized = config;
  if (options.image_size > 0) sized.data.image_size = options.image_size;
  if (sized.mixture.method != TrainMethod::single_path) return make_mixed(sized, options.classes);
  return sized.network.arch.empty() ? make_training_space(sized, options.classes)
                                    : make_stand_alone(sized, options);
}

std::int64_t parameters_without_auxiliary(const SegmentTable& table) {
  std::int64_t count = 0;
  for (const Segment& segment : table)
    if (!segment.name.starts_with(kAuxiliaryPrefix)) count += segment.count;
  return count;
}

}  // namespace rlnas
