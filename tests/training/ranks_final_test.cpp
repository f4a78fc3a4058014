// What travels to other ranks beside the backward pass: the gradients of every space are final when they are
// called so.
#include <doctest/doctest.h>

#include "data/batch_loader.h"
#include "search/executor.h"
#include "search/train_settings.h"
#include "search/trained_network.h"
#include "search/training_data.h"
#include "tests/support/final_watch.h"
#include "tests/training/ranks_run.h"

namespace rlnas {
namespace {

using namespace rlnas::test;

void check_marks(const TrainConfig& config, int steps, int marks) {
  FinalWatch watch;
  const TrainingData data = load_training_data(config);
  const BatchLoader loader(data.dataset, data.indices, data.labels, {.plan = {.batch_size = 4, .seed = 0}});
  const std::unique_ptr<Backend> backend = make_cpu_backend({.threads = 1});
  const std::unique_ptr<TrainedNetwork> space = make_trained_network(config, {.classes = data.classes});
  Executor state(*backend, space->layout(), std::size_t{64} << 20);
  state.set_exchange(&watch);
  state.parameters().weights().upload(space->layout().initial_parameters(0));
  HostBatch batch;
  for (int step = 0; step < steps; ++step) {
    loader.fill(0, step, batch);
    state.step([&](Context& context, const Tensor& images) { return space->forward(context, images, step); },
               batch, step_spec(config, data.format));
    CHECK(watch.same);
    CHECK(watch.marks == marks);
  }
}

}  // namespace

TEST_CASE("what the backward pass calls final it leaves alone") {
  check_marks(ranks_run(""), 10, 18);  // 15 cells, 2 residual blocks, the head
}

TEST_CASE("so do stand-alone networks: cells without weights, and an auxiliary head in the middle") {
  TrainConfig config = ranks_run("");
  config.labels.kind = LabelKind::from_data;
  config.network.arch = "#1835";  // nothing but skips
  check_marks(config, 2, 3);      // the residual blocks and the head
  config = default_retrain_config("darts-cifar");
  config.network.arch = "5,4 6,0,5 4,0,0,7 0,7,6,0,0 | 5,6 4,0,5 0,6,0,4 0,1,5,0,0";
  config.data.spec = "synthetic:96";
  config.network.channels = config.network.cells = 4;
  check_marks(config, 2, 5);  // four cells and the head
}

}  // namespace rlnas
