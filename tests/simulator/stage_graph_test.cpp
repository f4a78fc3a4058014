// Stages queued as CUDA graphs (GraphCapture::stages) against the same calls queued one by one.
#include <set>

#include "kernels/cuda/graph_cache.h"
#include "kernels/ref/ref_backend.h"
#include "search/nasbench201/cell.h"
#include "search/nasbench201/space.h"
#include "search/recipes.h"
#include "tests/device/capturing_backend.h"
#include "tests/kernels/compare_backends.h"
#include "tests/simulator/simulated.h"
#include "tests/simulator/stage_program.h"
#include "tests/simulator/stream.h"
#include "tests/support/network_paths.h"
#include "tests/support/short_training.h"

namespace rlnas::test {
namespace {

using simulator::Policy;

constexpr CudaOptions kGraphs{.graph_capture = GraphCapture::stages};
constexpr int kRounds = 8;

using Middle = std::function<void(Backend&, int round, float* scratch)>;

std::vector<float> program_result(Backend& backend, const Middle& middle) {
  StageProgram program(backend);
  for (int round = 0; round < kRounds; ++round)
    program.round(round, [&](float* scratch) { middle(backend, round, scratch); });
  return program.result();
}

// What ends the piece that is being captured, one way or another.
const std::pair<const char*, Middle> kMiddles[] = {
    {"nothing", [](Backend&, int, float*) {}},
    {"an upload",
     [](Backend& backend, int round, float* scratch) {
       const std::vector<float> values(StageProgram::kCount, float(10 * round));
       backend.upload(scratch, values.data(), StageProgram::kBytes);
     }},
    {"a download that decides what comes next",
     [](Backend& backend, int, float* scratch) {
       std::vector<float> values(StageProgram::kCount);
       backend.download(values.data(), scratch, StageProgram::kBytes);
       backend.run(Fill{.count = StageProgram::kCount, .value = values[7] + 1.0f, .y = scratch});
     }},
    {"waiting", [](Backend& backend, int, float*) { backend.synchronize(); }},
    {"memory that comes and goes",
     [](Backend& backend, int, float* scratch) {
       auto* const memory = static_cast<float*>(backend.allocate(StageProgram::kBytes));
       backend.run(Fill{.count = StageProgram::kCount, .value = 5.0f, .y = memory});
       backend.run(Add{.count = StageProgram::kCount, .x = memory, .y = scratch, .store = Store::accumulate});
       backend.release(memory);
     }},
    {"a plan that has to be made",
     [](Backend& backend, int round, float*) {
       backend.workspace_bytes(ConvForward{.spec = {1, 4, 5 + round, 5, 8, 3, 1, 1, 1, 1}});
     }},
};

// ---- training: a small SuperNet with paths drawn anew at every step --------------------------------------

struct Trained {
  TrainedSteps numbers;
  std::vector<simulator::Usage> after_step;

  bool same_numbers(const Trained& other) const { return numbers == other.numbers; }
};

enum class Paths { drawn_anew, all_convolutions };

Trained train_some(Backend& backend, int steps, Paths which) {
  constexpr NetworkOptions kNetwork{.image_size = 8, .channels = 4, .cells = 1};
  const Space& space = nasbench201::space();
  TrainedNetwork supernet = supernet_of(
      space, kNetwork, space.make_sampler({.seed = 1, .own_paths = space.searchable_cells(kNetwork)}));
  const Genes full(nasbench201::kEdgeCount, std::int8_t(nasbench201::Op::nor_conv_1x1));
  Trained trained;
  ShortTraining training{.network = supernet, .config = default_train_config("nasbench201"), .steps = steps};
  training.config.data.image_size = kNetwork.image_size;
  training.config.recipe.batch_size = 2;
  training.after_step = [&] { trained.after_step.push_back(simulator::usage()); };
  if (which == Paths::all_convolutions) training.along = [&](int) { return along(supernet, {full}); };
  trained.numbers = train_steps(backend, training);
  return trained;
}

Trained trained_on(const simulator::Options& options, const CudaOptions& cuda, int steps, Paths which) {
  Trained trained;
  on_simulated_device(options, [&] { trained = train_some(*make_cuda_backend(cuda), steps, which); });
  return trained;
}

}  // namespace

TEST_CASE("stages as graphs give the results of single calls, whatever happens in the middle of one") {
  const auto ref = make_ref_backend();
  for (const auto& [what, middle] : kMiddles) {
    CAPTURE(std::string(what));
    const std::vector<float> expected = program_result(*ref, middle);
    for (const Policy policy : simulator::kPolicies) {
      on_simulated_device({.policy = policy}, [&] {
        CHECK(program_result(*make_cuda_backend(kGraphs), middle) == expected);
        CHECK(simulator::usage().graph_instantiations == 2);
        CHECK(simulator::usage().graph_launches == 2 * (kRounds - 1));  // the first round goes directly
        CHECK(simulator::usage().graph_updates == 2 * (kRounds - 2));
      });
    }
  }
}

TEST_CASE("memory can be released while its use is being captured") {
  constexpr std::size_t kCount = StageProgram::kCount, kBytes = StageProgram::kBytes;
  for (const Policy policy : simulator::kPolicies) {
    on_simulated_device({.policy = policy}, [&] {
      const auto backend = make_cuda_backend(kGraphs);
      auto* const sum = static_cast<float*>(backend->allocate(kBytes));
      backend->run(Fill{.count = kCount, .value = 0.0f, .y = sum});
      for (int round = 0; round < 4; ++round) {
        auto* const memory = static_cast<float*>(backend->allocate(kBytes));
        backend->begin_stage("first", Direction::forward);
        backend->run(Fill{.count = kCount, .value = 1.0f, .y = memory});
        backend->run(Add{.count = kCount, .x = memory, .y = sum, .store = Store::accumulate});
        backend->run(Add{.count = kCount, .x = memory, .y = sum, .store = Store::accumulate});
        backend->release(memory);
        backend->begin_stage("second", Direction::forward);
      }
      std::vector<float> result(kCount);
      backend->download(result.data(), sum, kBytes);
      CHECK(result == std::vector<float>(kCount, 8.0f));
      CHECK(simulator::usage().graph_launches == 3);
      backend->release(sum);
    });
  }
}

TEST_CASE("a stage whose calls change every time is given up, the others are not") {
  const auto ref = make_ref_backend();
  const auto run = [](Backend& backend) {
    StageProgram program(backend);
    for (int round = 0; round < 2 * kRounds; ++round)
      program.round(
          round, [](float*) {}, round % 3);
    return program.result();
  };
  const std::vector<float> expected = run(*ref);
  on_simulated_device({}, [&] {
    CHECK(run(*make_cuda_backend(kGraphs)) == expected);
    // Of the changing stage the first graph and three others; of the second one graph, all the time.
    CHECK(simulator::usage().graph_instantiations == 4 + 1);
    CHECK(simulator::usage().graph_launches == 4 + 2 * kRounds - 1);
  });
}

TEST_CASE("training with stages as graphs is bit-equal to training without, under every policy") {
  constexpr int kSteps = 6;
  const Trained expected = trained_on({}, {}, kSteps, Paths::drawn_anew);
  CHECK(expected.after_step.back().graph_launches == 0);
  for (const Policy policy : simulator::kPolicies) {
    CAPTURE(std::string(name_of(policy)));
    const Trained got = trained_on({.policy = policy}, kGraphs, kSteps, Paths::drawn_anew);
    CHECK(got.same_numbers(expected));
    const simulator::Usage &used = got.after_step.back(), &direct = expected.after_step.back();
    CHECK(used.graph_updates > 0);
    CHECK(used.host_waits == direct.host_waits);
    CHECK(used.stream_synchronizations == direct.stream_synchronizations);
  }
}

TEST_CASE("with graphs the steps of one path are captured once and replayed from then on") {
  constexpr int kSteps = 8;
  const Trained got = trained_on({}, kGraphs, kSteps, Paths::all_convolutions);
  CHECK(got.same_numbers(trained_on({}, {}, kSteps, Paths::all_convolutions)));
  CHECK(got.after_step[0].graph_launches == 0);
  const simulator::Usage& second = got.after_step[1];
  // Forward and backward of three cells and two blocks, of the stem and the head; of the others too few
  // calls.
  CHECK(second.captures == 12);
  CHECK(second.graph_instantiations == second.captures);
  CHECK(second.graph_launches == second.captures);
  for (std::size_t step = 2; step < kSteps; ++step) {
    const simulator::Usage &now = got.after_step[step], &before = got.after_step[step - 1];
    CHECK(now.captures == second.captures);
    CHECK(now.graph_instantiations == second.graph_instantiations);
    CHECK(now.graph_updates == 0);
    CHECK(now.graph_launches - before.graph_launches == second.captures);
    // What is not in a graph: uploads and what follows at once, the loss, the optimiser.
    CHECK(now.queued - before.queued - second.captures < 40);
    CHECK(now.captured == second.captured);
  }
}

TEST_CASE("a stand-alone network is captured once") {
  TrainConfig config = default_train_config("nasbench201");
  config.network.arch = "#6111";
  config.data.image_size = 8;
  config.recipe.batch_size = 2;
  const auto train = [&](const CudaOptions& cuda, const simulator::Options& options,
                         std::vector<simulator::Usage>& after_step) {
    const auto network = make_stand_alone(config, {.image_size = 8});
    ShortTraining training{.network = *network, .config = config, .steps = 4};
    training.after_step = [&] { after_step.push_back(simulator::usage()); };
    TrainedSteps trained;
    on_simulated_device(options, [&] { trained = train_steps(*make_cuda_backend(cuda), training); });
    return trained;
  };
  std::vector<simulator::Usage> direct, used;
  const TrainedSteps expected = train({}, {}, direct);
  CHECK((train(kGraphs, {.policy = Policy::needed_last}, used) == expected));
  CHECK(used[1].captures == 12);
  for (std::size_t step = 2; step < 4; ++step) {
    CHECK(used[step].captures == used[1].captures);
    CHECK(used[step].graph_updates == 0);
    CHECK(used[step].graph_launches - used[step - 1].graph_launches == used[1].captures);
    // Queued in a step: a tenth of what it is without graphs.
    CHECK(10 * (used[step].queued - used[step - 1].queued) < direct[step].queued - direct[step - 1].queued);
  }
}

TEST_CASE("every primitive can be captured, and has the same bits") {
  std::set<std::string> seen;
  for (const Case& test : all_cases()) {
    if (!seen.insert(test.op).second) continue;
    CAPTURE(test.name);
    std::vector<Output> expected;
    on_simulated_device({}, [&] { expected = run_case(test, *make_cuda_backend({})); });
    on_simulated_device({}, [&] {
      const auto backend = make_cuda_backend(kGraphs);
      CapturingBackend capturing(*backend);
      const std::vector<Output> got = run_case(test, capturing);
      CHECK(simulator::usage().graph_launches == capturing.calls());
      REQUIRE(got.size() == expected.size());
      for (std::size_t i = 0; i < got.size(); ++i) CHECK(got[i].bytes == expected[i].bytes);
    });
  }
}

TEST_CASE("where tensors are is described to cuDNN once for each place") {
  std::vector<std::int64_t> descriptors;
  TrainConfig config = default_train_config("nasbench201");
  config.network.arch = "#6111";
  config.data.image_size = 8;
  config.recipe.batch_size = 2;
  const auto network = make_stand_alone(config, {.image_size = 8});
  ShortTraining training{.network = *network, .config = config, .steps = 4};
  training.after_step = [&] {
    descriptors.push_back(simulator::usage().calls[int(simulator::Call::descriptor)]);
  };
  on_simulated_device({.execution = simulator::Execution::counted},
                      [&] { train_steps(*make_cuda_backend({}), training); });
  CHECK(descriptors[0] > 0);
  CHECK(descriptors[3] == descriptors[1]);
}

TEST_CASE("planted bug: a graph is replayed without its new parameters") {
  const Middle nothing = kMiddles[0].second;
  const std::vector<float> expected = program_result(*make_ref_backend(), nothing);
  for (int update = 1; update <= 2 * (kRounds - 2); ++update) {
    CAPTURE(update);
    on_simulated_device({.drop_update_at = update}, [&] {
      CHECK(program_result(*make_cuda_backend(kGraphs), nothing) != expected);
      CHECK(simulator::usage().graph_updates >= update);
    });
  }
}

TEST_CASE("every call that has to do with graphs may fail: one clear error, and nothing is left behind") {
  const Middle nothing = kMiddles[0].second;
  std::int64_t calls = 0;
  on_simulated_device({}, [&] {
    program_result(*make_cuda_backend(kGraphs), nothing);
    calls = simulator::usage().calls[int(simulator::Call::graph)];
  });
  REQUIRE(calls > 4 * kRounds);
  for (std::int64_t call = 1; call <= calls; ++call) {
    on_simulated_device({.fail_kind = simulator::Call::graph, .fail_at = call}, [&] {
      std::string message;
      try {
        program_result(*make_cuda_backend(kGraphs), nothing);
      } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::device);
        message = error.what();
      }
      CAPTURE(message);
      CHECK(message.find("CUDA: cuda") != std::string::npos);
      CHECK(message.find("stage") != std::string::npos);
    });
  }
}

TEST_CASE("the backend can be used after an error in a stage") {
  // The capture of the second round is spoilt or a call of it refused; what is done anew afterwards is right.
  const std::vector<float> expected = program_result(*make_ref_backend(), kMiddles[0].second);
  for (const simulator::Call kind : {simulator::Call::graph, simulator::Call::launch}) {
    // The first launch is the backend's own, before there is one to use.
    for (int at = kind == simulator::Call::launch ? 2 : 1; at <= 40; ++at) {
      CAPTURE(std::string(name_of(kind)));
      CAPTURE(at);
      on_simulated_device({.fail_kind = kind, .fail_at = at}, [&] {
        const auto backend = make_cuda_backend(kGraphs);
        int errors = 0;
        std::vector<float> result;
        for (int attempt = 0; attempt < 2; ++attempt) try {
            result = program_result(*backend, kMiddles[0].second);
          } catch (const Error&) {
            ++errors;
          }
        CHECK(errors <= 1);
        if (result.empty()) result = program_result(*backend, kMiddles[0].second);
        CHECK(result == expected);
      });
    }
  }
}

TEST_CASE("a capture that something spoilt is told of once, and the stream goes on") {
  on_simulated_device({}, [] {
    const CudaStream stream;
    GraphCache graphs(stream);
    const Stage stage{"first", Direction::forward};
    const auto backend = make_cuda_backend({});
    auto* const memory = static_cast<float*>(backend->allocate(StageProgram::kBytes));
    // Calls of another backend, whose stream is not captured; one of them waits for the stream that is.
    struct Waiting final : public RefBackend {
      explicit Waiting(const CudaStream& captured) : captured_stream(captured) {}
      using RefBackend::run;
      void run(const Fill& call, Workspace) override {
        if (call.value == 1.0f) waited = cudaStreamSynchronize(captured_stream.get());
      }
      const CudaStream& captured_stream;
      cudaError_t waited = cudaSuccess;
    } waiting(stream);
    const auto calls = [&](float value) {
      CallLog log;
      for (int i = 0; i < 3; ++i) log.add(Fill{.count = 1, .value = value + float(i), .y = memory}, {});
      return log;
    };
    graphs.run(stage, 0, calls(5.0f), waiting);  // not captured
    CHECK_THROWS_WITH_AS(graphs.run(stage, 0, calls(1.0f), waiting),
                         "the work of stage first forward is lost: CUDA: cudaStreamEndCapture: operation "
                         "failed due to a previous error during capture",
                         Error);
    CHECK(waiting.waited == cudaErrorStreamCaptureUnsupported);
    stream.synchronize();
    graphs.run(stage, 0, calls(7.0f), waiting);
    stream.synchronize();
    backend->release(memory);
  });
}

TEST_CASE("an error of work that was queued when memory was released is told at the next call") {
  on_simulated_device({}, [] {
    const auto backend = make_cuda_backend(kGraphs);
    StageProgram program(*backend);
    void* const memory = backend->allocate(64);
    // No convolution of 16 groups of one channel from 8 channels: told when it is run.
    backend->run(ConvForward{.spec = {1, 8, 4, 4, 16, 3, 1, 1, 1, 16}});
    backend->release(memory);
    CHECK_THROWS_AS(backend->synchronize(), Error);
    backend->synchronize();
  });
}

}  // namespace rlnas::test
