// dry_run() and plan_training().
#include "search/training_plan.h"

#include <algorithm>

#include "engine/device.h"
#include "kernels/dry/dry_backend.h"
#include "search/train_settings.h"
#include "search/training_data.h"

namespace rlnas {

DryRun dry_run(TrainedNetwork& space, Backend& backend, int batch_size, const StepSpec& spec) {
  DryRun run;
  const std::unique_ptr<Backend> dry = make_dry_backend(&run.calls, &backend);
  Executor state(*dry, space.layout(), std::size_t{1} << 44);
  run.calls.clear();
  HostBatch batch;
  batch.count = batch_size;
  state.step([&](Context& context, const Tensor& images) { return space.forward_largest(context, images); },
             batch, spec);
  const std::size_t step_calls = run.calls.size();
  state.angle_sums();
  run.calls.resize(step_calls);
  run.step_bytes = state.arena().peak_bytes();
  run.fixed_bytes = state.fixed_bytes();
  return run;
}

TrainPlan plan_training(const TrainConfig& config) {
  check_config(config);
  const DeviceChoice device = choose_device(config.device.name, device_options(config));
  const TrainingData data = load_training_data(config);
  const std::unique_ptr<TrainedNetwork> space =
      make_trained_network(config, {.classes = data.classes, .image_size = data.format.height});
  const std::int64_t images = std::int64_t(data.indices.size());
  const int batch_size = int(std::min<std::int64_t>(config.recipe.batch_size, images));
  const DryRun run = dry_run(*space, *device.backend, batch_size, step_spec(config, data.format));

  TrainPlan plan;
  plan.device = device.backend->description() + " (" + device.reason + ")";
  plan.images = images;
  plan.classes = data.classes;
  plan.steps_per_epoch = int((images + config.recipe.batch_size - 1) / config.recipe.batch_size);
  plan.steps = std::int64_t{plan.steps_per_epoch} * config.recipe.epochs;
  if (config.run.steps > 0) plan.steps = std::min(plan.steps, config.run.steps);
  plan.parameters = parameters_without_auxiliary(space->layout().parameters());
  plan.step_memory_bytes = run.step_bytes;
  plan.fixed_memory_bytes = run.fixed_bytes;
  plan.data_memory_bytes = data.memory_bytes();
  bool forward = true;
  for (const RecordedCall& call : run.calls) {
    plan.train_gflop_per_step += double(call.flops) / 1e9;
    if (forward && call.flops + call.bytes > 0) plan.network.push_back(call.primitive + " " + call.shape);
    forward = forward && call.primitive != "cross_entropy";
  }
  return plan;
}

}  // namespace rlnas
