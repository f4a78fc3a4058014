#include "search/run_setup.h"

#include <algorithm>

#include "kernels/cuda_devices.h"
#include "search/rank_agreement.h"
#include "search/train_settings.h"

namespace rlnas {
namespace {

// A launcher may show each rank a device of its own, which is number 0 to it.
int device_of_rank(const RankPlace& place) {
  return cuda_device_count() == 1 ? 0 : place.local_rank;
}

DeviceChoice find_device(const TrainConfig& config, const RankPlace& place, const RunLog& log) {
  DeviceOptions options = device_options(config);
  if (options.cpu.threads == 0) options.cpu.threads = threads_of_rank(place);
  options.cuda.device = device_of_rank(place);
  DeviceChoice device = choose_device(config.device.name, options);
  log.line("device: " + device.backend->description() + " (" + device.reason + ")");
  return device;
}

TrainingData load_data(const TrainConfig& config, const DeviceChoice& device, Communicator& communicator,
                       const RunLog& log) {
  TrainingData data = load_training_data(config);
  check_same_run(config, data.fingerprint.contents, device, communicator);
  const bool by_rank = device.kind == DeviceKind::cuda && !cuda_index(config.device.name);
  check_own_devices(by_rank ? cuda_device_identity(device_of_rank(communicator.place())) : "", communicator);
  for (const std::string& skipped : data.skipped()) log.line("skipped " + skipped);
  return data;
}

int largest_share(const TrainConfig& config, const TrainingData& data, int ranks) {
  const int batch_size = std::min(config.recipe.batch_size, int(data.indices.size()));
  return (batch_size + ranks - 1) / ranks;
}

}  // namespace

RunSetup::RunSetup(const TrainConfig& config, Communicator& communicator, const RunLog& log)
    : device(find_device(config, communicator.place(), log)),
      data(load_data(config, device, communicator, log)),
      batches(config, data, communicator.place()),
      length(run_length(config, batches.source().steps_per_epoch())),
      network(make_trained_network(config, {.classes = data.classes,
                                            .image_size = data.format.height,
                                            .steps_per_epoch = length.steps_per_epoch,
                                            .rank = communicator.rank()})),
      step(step_spec(config, data.format)),
      plan(dry_run(*network, *device.backend, largest_share(config, data, communicator.size()), step)) {}

}  // namespace rlnas
