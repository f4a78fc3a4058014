// The training step of NAS-Bench-201 over the 30 fixed paths: ms a step, images/s, GFLOP/s, share of the
// measured FMA peak, memory against the dry run's plan. One iteration is one step of each path, its time the
// mean of the 30.
#include <benchmark/benchmark.h>

#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "bench/device.h"
#include "bench/machine.h"
#include "bench/step_flops.h"
#include "bench/step_paths.h"
#include "bench/step_runner.h"
#include "engine/device.h"
#include "kernels/words.h"

namespace rlnas::bench {
namespace {

constexpr int kBatchSizes[] = {64, 8, 1};

// A warm runner.
class StepSession {
 public:
  StepSession(int batch_size, const CpuOptions& options)
      : options_(options), backend_(make_backend(options)), runner_(*backend_, batch_size) {
    sweep([](double) {});
    runner_.run(largest_path());
    resident_mib_ = resident_mib();
  }

  // Each path once; calls each(seconds). Returns the mean time of a step.
  template <class Each>
  double sweep(const Each& each) {
    double total_s = 0.0;
    for (const nasbench201::Cell& path : step_paths()) {
      const double step_s = runner_.run(path);
      each(step_s);
      total_s += step_s;
    }
    return total_s / kStepPathCount;
  }

  bool is(int batch_size, const CpuOptions& options) const {
    return batch_size == runner_.batch_size() && options == options_;
  }
  StepMemory memory() const { return runner_.memory(); }
  double warm_resident_mib() const { return resident_mib_; }

 private:
  CpuOptions options_;
  std::unique_ptr<Backend> backend_;
  StepRunner runner_;
  double resident_mib_ = 0.0;
};

// Repetitions of a benchmark follow one another and share a session; there is one at a time.
StepSession& session(int batch_size, const CpuOptions& options) {
  static std::unique_ptr<StepSession> current;
  if (current == nullptr || !current->is(batch_size, options)) {
    current.reset();
    current = std::make_unique<StepSession>(batch_size, options);
  }
  return *current;
}

double mean_gflop(int batch_size, CountedEdges edges) {
  double total = 0.0;
  for (const nasbench201::Cell& path : step_paths()) total += step_gflop(path, batch_size, edges);
  return total / kStepPathCount;
}

void bench_step(benchmark::State& state) {
  const int batch_size = int(state.range(0)), threads = int(state.range(1));
  const auto algorithm = state.range(2) != 0 ? ConvAlgorithm::direct : ConvAlgorithm::automatic;
  StepSession& steps = session(batch_size, {.threads = threads, .conv_algorithm = algorithm});
  double step_s = 0.0;
  for (auto _ : state) {
    step_s = steps.sweep([](double) {});
    state.SetIterationTime(step_s);
  }
  const double gflop = mean_gflop(batch_size, CountedEdges::live);
  const StepMemory memory = steps.memory();
  state.counters["images_per_s"] = batch_size / step_s;
  state.counters["gflop"] = gflop;
  state.counters["gflop_dead_edges_too"] = mean_gflop(batch_size, CountedEdges::all);
  state.counters["gflop_per_s"] = gflop / step_s;
  if (on_cpu()) state.counters["peak_share"] = gflop / step_s / machine(threads).peaks.fma_gflops;
  state.counters["arena_peak_mib"] = memory.peak_mib;
  state.counters["arena_plan_mib"] = memory.planned_mib;
  state.counters["fixed_mib"] = memory.fixed_mib;
  state.counters["rss_mib"] = steps.warm_resident_mib();
}

void register_steps() {
  for (const int batch_size : kBatchSizes)
    for (const int threads : thread_counts())
      for (int direct = 0; direct < (on_cpu() ? 2 : 1); ++direct)  // the CPU's choice alone
        benchmark::RegisterBenchmark("step", bench_step)
            ->ArgNames({"batch", "threads", "direct"})
            ->Args({batch_size, threads, direct})
            ->Iterations(1)
            ->UseManualTime()
            ->Unit(benchmark::kMillisecond);
}

// For compare_step.py, which keeps several such programs warm and lets them take turns: `--serve BATCH
// THREADS auto|direct|winograd` says so on a line of JSON, then answers every line of standard input with a
// line of the 30 step times in ms.
int serve(int batch_size, const CpuOptions& options) {
  StepSession steps(batch_size, options);
  std::cout << "{\"ready\": true, \"gflop\": " << mean_gflop(batch_size, CountedEdges::live)
            << ", \"fma_peak_gflops\": " << (on_cpu() ? fma_peak_gflops(options.threads) : 0.0) << "}"
            << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    const char* separator = "{\"ms\": [";
    steps.sweep([&](double step_s) { std::cout << std::exchange(separator, ", ") << 1e3 * step_s; });
    std::cout << "], \"rss_mib\": " << steps.warm_resident_mib() << "}" << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace rlnas::bench

int main(int argc, char** argv) {
  using namespace rlnas::bench;
  if (argc >= 5 && std::string(argv[1]) == "--serve") {
    return guarded_main(argc, argv, [](const std::vector<char*>& arguments) {
      RLNAS_CHECK(arguments.size() == 5, usage, "--serve takes BATCH THREADS auto|direct|winograd");
      return serve(std::atoi(arguments[2]), {.threads = std::atoi(arguments[3]),
                                             .conv_algorithm = rlnas::parse_word<rlnas::ConvAlgorithm>(
                                                 "--conv-algorithm", arguments[4])});
    });
  }
  return bench_main(argc, argv, register_steps, {"--benchmark_repetitions=5"});
}
