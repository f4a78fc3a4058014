// The exchange of gradients beside the backward pass (engine/comm/nccl_exchange.cpp) on the simulated device,
// with stages as graphs and without.
#include "engine/comm/nccl_exchange.h"

#include "search/nasbench201/space.h"
#include "search/recipes.h"
#include "tests/simulator/nccl_of_one_rank.h"
#include "tests/simulator/simulated.h"
#include "tests/support/network_paths.h"
#include "tests/support/short_training.h"

namespace rlnas::test {
namespace {

constexpr int kSteps = 3;

// A SuperNet of three buckets, as one of two ranks whose other has no gradient.
TrainedSteps train_exchanging(Backend& backend,
                              const std::function<std::unique_ptr<GradientExchange>(Backend&)>& exchange) {
  const Space& space = nasbench201::space();
  constexpr NetworkOptions kNetwork{.image_size = 8, .channels = 32, .cells = 1};
  TrainedNetwork supernet = supernet_of(
      space, kNetwork, space.make_sampler({.seed = 2, .own_paths = space.searchable_cells(kNetwork)}));
  ShortTraining training{.network = supernet, .config = default_train_config("nasbench201"), .steps = kSteps};
  training.config.data.image_size = kNetwork.image_size;
  training.config.recipe.batch_size = 2;
  training.make_exchange = exchange;
  return train_steps(backend, training);
}

}  // namespace

TEST_CASE(
    "gradients exchanged on the device have the bits of those exchanged by the host, under every policy") {
  SingleProcess alone;
  const auto by_host = [&](Backend& backend) { return std::make_unique<HostExchange>(backend, alone); };
  const auto on_device = [&](Backend& backend) { return make_nccl_exchange(backend, alone, 60.0); };
  TrainedSteps expected, unexchanged;
  on_simulated_device({}, [&] { expected = train_exchanging(*make_cuda_backend({}), by_host); });
  on_simulated_device({}, [&] { unexchanged = train_exchanging(*make_cuda_backend({}), {}); });
  REQUIRE((unexchanged != expected));
  for (const GraphCapture graphs : {GraphCapture::off, GraphCapture::stages})
    for (const simulator::Policy policy : simulator::kPolicies) {
      CAPTURE(int(graphs));
      on_simulated_device({.policy = policy}, [&] {
        const int before = simulator::all_reduces();
        const auto backend = make_cuda_backend({.graph_capture = graphs});
        REQUIRE(nccl_serves(*backend));
        CHECK((train_exchanging(*backend, on_device) == expected));
        CHECK(simulator::all_reduces() - before > kSteps);  // in buckets, beside the backward pass
      });
    }
}

}  // namespace rlnas::test
