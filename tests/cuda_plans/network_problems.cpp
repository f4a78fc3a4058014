#include "tests/cuda_plans/network_problems.h"

#include <set>
#include <string>

#include "kernels/dry/dry_backend.h"
#include "search/executor.h"
#include "search/spaces.h"

namespace rlnas::test {
namespace {

void add(NetworkProblems& problems, const RecordedCall& call) {
  const Direction direction =
      call.primitive.find("backward") == std::string::npos ? Direction::forward : Direction::backward;
  // Depthwise convolutions run in own kernels (kernels/cuda/conv.cpp).
  const bool depthwise = call.conv && call.conv->groups > 1 && call.conv->groups == call.conv->in_channels;
  if (call.pass && !depthwise) problems.convs.push_back({*call.conv, *call.pass});
  if (call.norm) problems.norms.push_back({*call.norm, direction});
  if (call.pool) problems.pools.push_back({*call.pool, direction});
}

}  // namespace

NetworkProblems problems_of(TrainedNetwork& space, const NetworkRun& run) {
  std::vector<RecordedCall> calls;
  const auto dry = make_dry_backend(&calls, nullptr);
  constexpr std::size_t kAddressSpace = std::size_t{1} << 40;
  Executor state(*dry, space.layout(), kAddressSpace);
  HostBatch batch;
  batch.count = run.batch;
  StepSpec spec;
  spec.augment.height = spec.augment.width = run.image_size;

  NetworkProblems problems;
  std::set<std::string> seen;
  for (int path = -1; path < run.sampled_paths; ++path) {
    calls.clear();
    state.step(
        [&](Context& context, const Tensor& images) {
          return path < 0 ? space.forward_largest(context, images) : space.forward(context, images, path);
        },
        batch, spec);
    for (const RecordedCall& call : calls)
      if (seen.insert(call.primitive + call.shape).second) add(problems, call);
  }
  return problems;
}

NetworkProblems problems_of(const std::string& space, int batch) {
  const TrainConfig config = default_train_config(space);
  const std::unique_ptr<TrainedNetwork> training =
      make_training_space(config, search_defaults(space).classes);
  return problems_of(*training, {.batch = batch, .image_size = config.data.image_size});
}

}  // namespace rlnas::test
