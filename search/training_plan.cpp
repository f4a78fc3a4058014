// dry_run() and plan_training().
#include "search/training_plan.h"

#include <algorithm>
#include <optional>

#include "engine/interruption.h"
#include "kernels/check.h"
#include "kernels/dry/dry_backend.h"
#include "ops/mixture.h"
#include "search/preparation.h"
#include "search/run_setup.h"
#include "search/train_settings.h"

namespace rlnas {

DryRun dry_run(TrainedNetwork& network, Backend& backend, int batch_size, const StepSpec& spec) {
  DryRun run;
  std::vector<RecordedCall> calls;
  std::vector<Genes> paths;
  if (network.ranks_architectures()) paths = network.space().large_ones();
  LoopProgress place{"planning", 0, std::max<std::uint64_t>(1, paths.size())};
  const std::unique_ptr<Backend> dry = make_dry_backend(&calls, &backend, [&] { check_interruption(place); });
  Executor state(*dry, network.layout(), kDryArenaBytes);
  HostBatch batch;
  batch.count = batch_size;
  const auto step_along = [&](const Executor::Forward& forward) {
    calls.clear();
    state.step(forward, batch, spec);
    ++place.done;
    if (state.arena().peak_bytes() <= run.step_bytes) return;
    run.step_bytes = state.arena().peak_bytes();
    run.calls = calls;
  };
  std::optional<Mixture> mixture;
  if (network.mixture()) {
    mixture.emplace(*dry, network.largest_graph(), int(network.mixture()->logits.buffer_count()));
    state.set_mixture(&*mixture);
  }
  const auto add_fixed_network = [&] {
    const auto forward = [&](Context& context, const Tensor& images) {
      return network.forward_largest(context, images);
    };
    step_along(forward);
    std::vector<double> unused;
    if (mixture) state.mixture_pass(forward, batch, spec, unused);
  };
  if (network.ranks_architectures())
    for (const Genes& genes : paths)
      step_along([&](Context& context, const Tensor& images) {
        return network.forward_along(context, images, {&genes, 1}).logits;
      });
  else
    add_fixed_network();
  state.angle_sums();
  run.step_bytes = state.arena().peak_bytes();
  run.fixed_bytes = state.fixed_bytes() + (mixture ? mixture->device_bytes() : 0);
  return run;
}

namespace {

// What a pass may leave in memory; the others are merged into these, or views.
bool is_written(NodeKind kind) {
  return kind == NodeKind::conv || kind == NodeKind::avg_pool || kind == NodeKind::max_pool ||
         kind == NodeKind::sum || kind == NodeKind::weighted_sum || kind == NodeKind::slice ||
         kind == NodeKind::channel_shuffle || kind == NodeKind::concat || kind == NodeKind::linear;
}

std::vector<TrainPlan::Stage> stages_of(const TrainedNetwork& network) {
  const Graph path = network.largest_graph(), all = network.ranks_architectures() ? network.graph({}) : path;
  std::vector<TrainPlan::Stage> stages;
  const auto stage_of = [&](const Graph& graph, const Node& node) -> TrainPlan::Stage* {
    if (node.stage < 0) return nullptr;
    const std::string name = graph.stage_name(node.stage);
    const auto found = std::ranges::find(stages, name, &TrainPlan::Stage::name);
    return found != stages.end() ? &*found : &stages.emplace_back(TrainPlan::Stage{.name = name});
  };
  for (const Node& node : path.nodes())
    if (TrainPlan::Stage* const stage = stage_of(path, node)) {
      stage->height = node.shape.height;
      stage->width = node.shape.width;
      stage->channels = node.shape.channels;
      stage->macs += cost_of(node, path).macs;
      if (is_written(node.kind))
        stage->written_bytes += sizeof(float) * std::uint64_t(node.shape.channels) *
                                std::uint64_t(node.shape.height) * std::uint64_t(node.shape.width);
    }
  for (const Node& node : all.nodes())
    if (TrainPlan::Stage* const stage = stage_of(all, node)) stage->parameters += cost_of(node, all).params;
  return stages;
}

TrainPlan plan_of(const TrainConfig& config, const TrainCallbacks& callbacks) {
  SingleProcess single;
  const RunPace pace;
  const RunSetup setup(config, single, RunLog(callbacks, single.place(), pace));
  TrainPlan plan;
  plan.device = setup.device.backend->description() + " (" + setup.device.reason + ")";
  plan.images = std::int64_t(setup.data.indices.size());
  plan.classes = setup.data.classes;
  plan.steps_per_epoch = setup.length.steps_per_epoch;
  plan.steps = setup.length.steps;
  plan.parameters = parameters_without_auxiliary(setup.network->layout().parameters());
  plan.step_memory_bytes = setup.plan.step_bytes;
  plan.fixed_memory_bytes = setup.plan.fixed_bytes;
  plan.data_memory_bytes = setup.data.memory_bytes();
  plan.stages = stages_of(*setup.network);
  bool forward = true;
  for (const RecordedCall& call : setup.plan.calls) {
    plan.train_gflop_per_step += double(call.flops) / 1e9;
    if (forward && call.flops + call.bytes > 0) plan.calls.push_back(call.primitive + " " + call.shape);
    forward = forward && call.primitive != "cross_entropy";
  }
  return plan;
}

}  // namespace

TrainPlan plan_training(const TrainConfig& config, const TrainCallbacks& callbacks) {
  check_config(config);
  const InterruptionScope interruption(callbacks.should_stop);
  const PreparationScope preparation(callbacks.preparing);
  try {
    return plan_of(config, callbacks);
  } catch (const Interrupted&) {
    fail(ErrorCode::interrupted, "interrupted");
  }
}

}  // namespace rlnas
