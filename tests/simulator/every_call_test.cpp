// Every call that a training run makes of CUDA and its libraries fails once, each in a run of its own: there
// is one clear error of the right code, and everything on the device is given back. The device computes
// nothing here, so that all of them can be tried; failure_test.cpp has whole runs, their files, and going on.
#include <algorithm>

#include "search/nasbench201/cell.h"
#include "search/nasbench201/space.h"
#include "search/recipes.h"
#include "tests/simulator/simulated.h"
#include "tests/support/network_paths.h"
#include "tests/support/short_training.h"
#include "tests/support/temporary_directory.h"

namespace rlnas::test {
namespace {

using simulator::Call;

// Two steps of a small SuperNet along a path with every operation; stages are captured in the second.
class SmallRun {
 public:
  explicit SmallRun(GraphCapture graphs)
      : supernet_(supernet_of(nasbench201::space(), {.image_size = 8, .channels = 4, .cells = 1})),
        graphs_(graphs) {}

  void operator()() {
    using nasbench201::Op;
    nasbench201::Cell cell;
    cell.ops = {Op::nor_conv_3x3, Op::avg_pool_3x3, Op::skip_connect,
                Op::nor_conv_1x1, Op::nor_conv_3x3, Op::avg_pool_3x3};
    ShortTraining training{.network = supernet_, .config = default_train_config("nasbench201"), .steps = 2};
    training.config.data.image_size = 8;
    training.config.recipe.batch_size = 2;
    training.along = [&](int) { return along(supernet_, {nasbench201::genes_of_cell(cell)}); };
    const auto backend = make_cuda_backend({.plan_directory = plans_.path(), .graph_capture = graphs_});
    train_steps(*backend, training);
  }

  // How many calls of each kind it makes.
  simulator::Usage undisturbed() {
    simulator::Usage usage;
    for (int time = 0; time < 2; ++time)  // the second: with all plans on disk
      on_simulated_device({.execution = simulator::Execution::counted}, [&] {
        (*this)();
        usage = simulator::usage();
      });
    return usage;
  }

 private:
  TrainedNetwork supernet_;
  GraphCapture graphs_;
  TemporaryDirectory plans_;
};

// What the run ended with; empty: nothing.
std::string error_of(SmallRun& run, Call kind, std::int64_t at) {
  std::string message;
  on_simulated_device({.policy = simulator::kPolicies[std::size_t(at) % std::size(simulator::kPolicies)],
                       .execution = simulator::Execution::counted,
                       .fail_kind = kind,
                       .fail_at = at},
                      [&] {
                        try {
                          run();
                        } catch (const Error& error) {
                          CHECK(error.code() == ErrorCode::device);
                          message = error.what();
                          CHECK(message.find('\n') == std::string::npos);
                          CHECK(!message.empty());
                        }
                      });
  return message;
}

// unheard: calls of destructors, whose failure nobody can act on.
void check_every_call(GraphCapture graphs, Call kind, std::int64_t at_least, int unheard = 0) {
  SmallRun run(graphs);
  const std::int64_t calls = run.undisturbed().calls[int(kind)];
  CHECK(calls >= at_least);
  int unnoticed = 0;
  for (std::int64_t at = 1; at <= calls; ++at) {
    CAPTURE(std::string(name_of(kind)));
    CAPTURE(at);
    unnoticed += error_of(run, kind, at).empty();
  }
  CHECK(unnoticed == unheard);
}

}  // namespace

TEST_CASE("every call fails once: devices, memory, streams, events, waits, libraries' handles") {
  check_every_call(GraphCapture::off, Call::device, 3);
  check_every_call(GraphCapture::off, Call::allocate, 10);
  check_every_call(GraphCapture::off, Call::allocate_host, 3);
  check_every_call(GraphCapture::off, Call::stream, 2);
  check_every_call(GraphCapture::off, Call::event, 50);
  check_every_call(GraphCapture::off, Call::wait, 10, 4);
  check_every_call(GraphCapture::off, Call::cublas, 5);
}
TEST_CASE("every call fails once: copies") {
  check_every_call(GraphCapture::off, Call::copy, 20);
}
TEST_CASE("every call fails once: kernel launches") {
  check_every_call(GraphCapture::off, Call::launch, 150);
}
TEST_CASE("every call fails once: launches while stages are captured, and graphs") {
  check_every_call(GraphCapture::stages, Call::launch, 150);
  check_every_call(GraphCapture::stages, Call::graph, 40);
}
TEST_CASE("every call fails once: cuDNN's executions") {
  check_every_call(GraphCapture::off, Call::cudnn, 40);
}

TEST_CASE("every call fails once: what describes problems, plans and tensors to cuDNN") {
  SmallRun run(GraphCapture::off);
  const std::int64_t calls = run.undisturbed().calls[int(Call::descriptor)];
  CHECK(calls > 300);  // 417: of 3x3 convolutions alone; 702 where 1x1 are by cuDNN too
  int noticed = 0;
  for (std::int64_t at = 1; at <= calls; ++at) noticed += !error_of(run, Call::descriptor, at).empty();
  CHECK(noticed > 100);
  CHECK(noticed < calls);  // a plan of a file that cannot be restored is made anew
}

}  // namespace rlnas::test
