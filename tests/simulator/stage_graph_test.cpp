// Stages queued as CUDA graphs (GraphCapture::stages) against the same calls queued one by one.
#include "engine/philox.h"
#include "kernels/cuda/graph_cache.h"
#include "search/executor.h"
#include "search/nasbench201/cell.h"
#include "search/nasbench201/space.h"
#include "tests/simulator/simulated.h"
#include "tests/simulator/stage_program.h"
#include "tests/simulator/stream.h"
#include "tests/support/network_paths.h"

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
  std::vector<double> losses;
  std::vector<float> weights, statistics;
  std::vector<simulator::Usage> after_step;

  bool same_numbers(const Trained& other) const {
    return losses == other.losses && weights == other.weights && statistics == other.statistics;
  }
};

HostBatch random_batch(int step, int count, int size) {
  RandomStream random(3, "stage graphs", std::uint64_t(step));
  HostBatch batch;
  batch.count = count;
  batch.images.resize(std::size_t(count) * size * size * AugmentSpec::kChannels);
  for (std::uint8_t& pixel : batch.images) pixel = std::uint8_t(random.below(256));
  batch.params.resize(std::size_t(count));
  for (int i = 0; i < count; ++i) batch.labels.push_back(std::int32_t(random.below(10)));
  return batch;
}

enum class Paths { drawn_anew, all_convolutions };

Trained train_steps(Backend& backend, int steps, Paths which) {
  constexpr int kBatch = 2, kSize = 8;
  constexpr NetworkOptions kNetwork{.image_size = kSize, .channels = 4, .cells = 1};
  const Space& space = nasbench201::space();
  TrainedNetwork supernet = supernet_of(
      space, kNetwork, space.make_sampler({.seed = 1, .own_paths = space.searchable_cells(kNetwork)}));
  Executor state(backend, supernet.layout(), std::size_t{4} << 20);
  state.parameters().weights().upload(supernet.layout().initial_parameters(0));
  state.statistics().upload(supernet.layout().initial_statistics());
  StepSpec spec;
  spec.augment = {0, kSize, kSize, {120.0f, 120.0f, 120.0f}, {1 / 60.0f, 1 / 60.0f, 1 / 60.0f}};
  spec.sgd = {.learning_rate = 0.025f, .momentum = 0.9f, .weight_decay = 5e-4f, .nesterov = true};
  const Genes full(nasbench201::kEdgeCount, std::int8_t(nasbench201::Op::nor_conv_1x1));
  Trained trained;
  for (int step = 0; step < steps; ++step) {
    const Executor::Forward forward =
        which == Paths::drawn_anew ? Executor::Forward(at_step(supernet, step)) : along(supernet, {full});
    trained.losses.push_back(state.step(forward, random_batch(step, kBatch, kSize), spec).loss);
    trained.after_step.push_back(simulator::usage());
  }
  trained.weights = state.parameters().weights().download();
  trained.statistics = state.statistics().download();
  return trained;
}

Trained trained_on(const simulator::Options& options, const CudaOptions& cuda, int steps, Paths which) {
  Trained trained;
  on_simulated_device(options, [&] { trained = train_steps(*make_cuda_backend(cuda), steps, which); });
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

TEST_CASE("with graphs the steps of one path instantiate nothing once they are known") {
  constexpr int kSteps = 8;
  const Trained got = trained_on({}, kGraphs, kSteps, Paths::all_convolutions);
  CHECK(got.same_numbers(trained_on({}, {}, kSteps, Paths::all_convolutions)));
  CHECK(got.after_step[0].graph_launches == 0);
  const std::int64_t instantiated = got.after_step[1].graph_instantiations;
  // Forward and backward of stem, head, three cells and two blocks, forward and backward.
  CHECK(instantiated >= 14);
  for (int step = 2; step < kSteps; ++step) CHECK(got.after_step[step].graph_instantiations == instantiated);
  // Stages of one or two kernels have been given up by now, so the last steps are alike.
  const auto launches = [&](int step) {
    return got.after_step[step].graph_launches - got.after_step[step - 1].graph_launches;
  };
  CHECK(launches(kSteps - 1) == launches(kSteps - 2));
  CHECK(launches(kSteps - 1) >= 14);
  CHECK(got.after_step[kSteps - 1].graph_updates - got.after_step[kSteps - 2].graph_updates ==
        launches(kSteps - 1));
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
    const Stage stage{"first", Direction::forward}, other{"second", Direction::forward};
    graphs.begin(stage);
    graphs.begin(other);
    graphs.begin(stage);
    CHECK(cudaStreamSynchronize(stream.get()) == cudaErrorStreamCaptureUnsupported);
    CHECK_THROWS_WITH_AS(graphs.interrupt(),
                         "the work of stage first forward is lost: CUDA: cudaStreamEndCapture: operation "
                         "failed due to a previous error during capture",
                         Error);
    graphs.interrupt();
    stream.synchronize();

    // Where nothing may be thrown the error waits for the next call.
    graphs.begin(other);
    CHECK(cudaStreamSynchronize(stream.get()) == cudaErrorStreamCaptureUnsupported);
    graphs.interrupt_quietly();
    stream.synchronize();
    CHECK_THROWS_AS(graphs.begin(stage), Error);
    graphs.begin(stage);
    graphs.interrupt();
    stream.synchronize();
  });
}

}  // namespace rlnas::test
