// Batch norm and average pooling through cuDNN (NormAndPool::cudnn) on the simulated device: planned by the
// real cuDNN, whose engines for them are compiled at run time and so need the stub driver, and executed by
// the simulator from what the graphs say.
#include <dlfcn.h>

#include "tests/kernels/case_names.h"
#include "tests/kernels/compare_backends.h"
#include "tests/simulator/compare_runs.h"
#include "tests/simulator/simulated.h"
#include "tests/simulator/tiny_run.h"

namespace rlnas::test {
namespace {

using simulator::Policy;

// cuDNN finds the driver that is loaded already.
void load_stub_driver() {
  REQUIRE_MESSAGE(dlopen(RLNAS_STUB_DRIVER, RTLD_NOW | RTLD_GLOBAL) != nullptr, dlerror());
}

// Plans are made once for all cases, which takes seconds for each shape.
const std::string& plan_directory() {
  static const TemporaryDirectory directory;
  static const std::string path = directory.path();
  return path;
}

CudaOptions cudnn_options(Precision precision = Precision::fp32) {
  return {.precision = precision, .plan_directory = plan_directory(), .norm_and_pool = NormAndPool::cudnn};
}

std::int64_t cudnn_calls(const Case& test, const CudaOptions& cuda) {
  std::int64_t calls = 0;
  on_simulated_device({}, [&] {
    run_case(test, *make_cuda_backend(cuda));
    calls = simulator::usage().calls[int(simulator::Call::cudnn)];
  });
  return calls;
}

std::vector<Case> every_seventh(const std::vector<Case>& cases) {
  std::vector<Case> some;
  for (std::size_t i = 0; i < cases.size(); i += 7) some.push_back(cases[i]);
  return some;
}

void compare_simulated(const std::vector<Case>& cases, const CudaOptions& cuda) {
  std::size_t next = 0;
  for (const Case& test : cases) {
    const Policy policy = simulator::kPolicies[next++ % std::size(simulator::kPolicies)];
    on_simulated_device({.policy = policy}, [&] { compare_with_ref({test}, *make_cuda_backend(cuda)); });
  }
}

TrainConfig cudnn_run(const std::string& out, int steps) {
  TrainConfig config = tiny_run(out, steps);
  config.device.norm_and_pool = NormAndPool::cudnn;
  config.device.plan_cache = plan_directory();
  return config;
}

}  // namespace

TEST_CASE("cuDNN's batch norm equals ref") {
  load_stub_driver();
  compare_simulated(batch_norm_cases(), cudnn_options());
  compare_simulated(every_seventh(in_bf16(batch_norm_cases())), cudnn_options(Precision::bf16));
}

TEST_CASE("cuDNN's average pooling equals ref") {
  load_stub_driver();
  compare_simulated(every_seventh(pool_cases()), cudnn_options());
  // With tensor cores allowed its gradient goes to cuDNN too.
  compare_simulated(every_seventh(pool_cases()), cudnn_options(Precision::tf32));
  compare_simulated(every_seventh(in_bf16(pool_cases())), cudnn_options(Precision::bf16));
}

TEST_CASE("what cuDNN takes goes to cuDNN, and nothing else") {
  load_stub_driver();
  on_simulated_device({}, [] {
    CHECK(make_cuda_backend(cudnn_options())->description().find("norm and pooling by cuDNN") !=
          std::string::npos);
  });
  const auto executions = [](const std::vector<Case>& cases, const std::string& name, Precision precision) {
    for (const Case& test : cases)
      if (test.name.rfind(name, 0) == 0)
        return cudnn_calls(test, cudnn_options(precision)) -
               cudnn_calls(elementwise_cases().front(), cudnn_options(precision));  // starting cuDNN
    FAIL("no case ", name);
    return std::int64_t{0};
  };
  const std::vector<Case> norms = batch_norm_cases(), pools = pool_cases();
  CHECK(executions(norms, text("batch norm", 256, "x", 16), Precision::fp32) ==
        3);  // statistics, 2 gradients
  CHECK(executions(norms, text("batch norm", 16385, "x", 3), Precision::fp32) == 0);
  CHECK(executions(in_bf16(norms), text("batch norm", 256, "x", 16), Precision::bf16) == 3);
  const auto pool = [](Store store) {
    return text("pool", 3, "stride", 1, "padding", 1, "batch", 3, "image", 8, 8, "channels", 64,
                name_of(store));
  };
  CHECK(executions(pools, pool(Store::overwrite), Precision::fp32) == 1);  // forward
  CHECK(executions(pools, pool(Store::overwrite), Precision::tf32) == 2);
  CHECK(executions(pools, pool(Store::accumulate), Precision::tf32) == 1);
  CHECK(executions(in_bf16(pools), pool(Store::overwrite), Precision::bf16) == 2);
}

TEST_CASE("training with cuDNN's batch norm and pooling equals training on the CPU, step by step") {
  load_stub_driver();
  constexpr int kSteps = 3;
  // As without the option: training_test.cpp says what limits them.
  constexpr RunTolerance kTolerance{.loss = 1e-6, .weights = 2e-5};
  const TemporaryDirectory directory;
  TrainConfig config = tiny_run(directory / "cpu", kSteps);
  config.device.name = "cpu";
  const TrainedRun expected = train_run(config);
  TrainedRun got;
  std::int64_t own_calls = 0, calls = 0;
  on_simulated_device({}, [&] {
    train_run(tiny_run(directory / "own", kSteps));
    own_calls = simulator::usage().calls[int(simulator::Call::cudnn)];
  });
  on_simulated_device({}, [&] {
    got = train_run(cudnn_run(directory / "cudnn", kSteps));
    calls = simulator::usage().calls[int(simulator::Call::cudnn)];
  });
  check_close(got, expected, kTolerance);
  // Two passes of batch norm for nearly every three of a convolution.
  CHECK(calls > own_calls + own_calls / 2);
}

TEST_CASE("cuDNN's batch norm and pooling are bit-equal under every policy, also as CUDA graphs") {
  load_stub_driver();
  constexpr int kSteps = 3;
  const TemporaryDirectory directory;
  std::string first;
  for (const Policy policy : simulator::kPolicies)
    for (const bool graphs : {false, true}) {
      TrainConfig config = cudnn_run(
          directory / (std::string(simulator::name_of(policy)) + (graphs ? " graphs" : "")), kSteps);
      config.device.cuda_graphs = graphs;
      on_simulated_device({.policy = policy}, [&] {
        train(config);
        CHECK((simulator::usage().graph_updates > 0) == graphs);
      });
      if (first.empty()) first = bytes_of(config.run.out);
      CHECK(bytes_of(config.run.out) == first);
    }
}

TEST_CASE("a plan that is first made while calls are captured ends the capture, and the rest goes directly") {
  load_stub_driver();
  constexpr int kRounds = 4;
  CudaOptions options = cudnn_options();
  options.graph_capture = GraphCapture::stages;
  // Averages of images of ones, of another size in each round or of the same.
  const auto graphs_launched = [&](int growth) {  // in all rounds
    std::int64_t launches = 0;
    on_simulated_device({}, [&] {
      const auto backend = make_cuda_backend(options);
      const PoolSpec largest{1, 8, 8 + kRounds, 8, 3, 1, 1};
      const auto floats = [&] {
        return static_cast<float*>(backend->allocate(largest.in_count() * sizeof(float)));
      };
      float *const x = floats(), *const y = floats();
      for (int round = 0; round < kRounds; ++round) {
        const PoolSpec spec{1, 8, 8 + growth * round, 8, 3, 1, 1};
        backend->begin_stage("first", Direction::forward);
        for (const float value : {3.0f, 2.0f, 1.0f})
          backend->run(Fill{.count = spec.in_count(), .value = value, .y = x});
        backend->run(AvgPoolForward{.spec = spec, .x = x, .y = y});
        backend->begin_stage("second", Direction::forward);
        std::vector<float> averages(spec.out_count());
        backend->download(averages.data(), y, averages.size() * sizeof(float));
        CHECK(averages == std::vector<float>(spec.out_count(), 1.0f));
      }
      for (float* const memory : {x, y}) backend->release(memory);
      launches = simulator::usage().graph_launches;
    });
    return launches;
  };
  CHECK(graphs_launched(0) == kRounds - 1);  // the first round goes directly
  CHECK(graphs_launched(1) == kRounds - 1);  // of the three calls before the plan
}

}  // namespace rlnas::test
