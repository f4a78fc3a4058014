// dry_run() and plan_training().
#include "search/training_plan.h"

#include "kernels/dry/dry_backend.h"
#include "search/run_setup.h"
#include "search/train_settings.h"

namespace rlnas {

DryRun dry_run(TrainedNetwork& network, Backend& backend, int batch_size, const StepSpec& spec) {
  DryRun run;
  std::vector<RecordedCall> calls;
  const std::unique_ptr<Backend> dry = make_dry_backend(&calls, &backend);
  Executor state(*dry, network.layout(), std::size_t{1} << 44);
  HostBatch batch;
  batch.count = batch_size;
  const auto step_along = [&](const Executor::Forward& forward) {
    calls.clear();
    state.step(forward, batch, spec);
    if (state.arena().peak_bytes() <= run.step_bytes) return;
    run.step_bytes = state.arena().peak_bytes();
    run.calls = calls;
  };
  if (network.ranks_architectures())
    for (const Genes& genes : network.space().large_ones())
      step_along([&](Context& context, const Tensor& images) {
        return network.forward_along(context, images, {&genes, 1}).logits;
      });
  else
    step_along(
        [&](Context& context, const Tensor& images) { return network.forward_largest(context, images); });
  state.angle_sums();
  run.step_bytes = state.arena().peak_bytes();
  run.fixed_bytes = state.fixed_bytes();
  return run;
}

TrainPlan plan_training(const TrainConfig& config) {
  check_config(config);
  SingleProcess single;
  const TrainCallbacks silent;
  const RunPace pace;
  const RunSetup setup(config, single, RunLog(silent, single.place(), pace));

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
  bool forward = true;
  for (const RecordedCall& call : setup.plan.calls) {
    plan.train_gflop_per_step += double(call.flops) / 1e9;
    if (forward && call.flops + call.bytes > 0) plan.network.push_back(call.primitive + " " + call.shape);
    forward = forward && call.primitive != "cross_entropy";
  }
  return plan;
}

}  // namespace rlnas
