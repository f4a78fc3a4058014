// How long it takes to plan all cuDNN convolutions of the NAS-Bench-201 SuperNet's training step, batch 64:
// made by cuDNN's heuristics, and restored from the files of a plan directory. `made_first` also loads
// cuDNN's libraries. For a device that is described, not present: --device-properties FILE (cuDNN's JSON, for
// example tests/cuda_plans/device_properties/h100_sxm.json); for a GPU of this machine: --device cuda[:N].
#include <benchmark/benchmark.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <set>
#include <string>

#include "bench/device.h"
#include "bench/machine.h"
#include "bench/step_runner.h"
#include "engine/atomic_file.h"
#include "kernels/cuda/conv_plans.h"

namespace rlnas::bench {
namespace {

namespace fs = std::filesystem;

constexpr int kBatchSize = 64;

// A directory of its own, gone with its owner.
class PlanDirectory {
 public:
  PlanDirectory() {
    std::string name = (fs::temp_directory_path() / "rlnas_bench_plan.XXXXXX").string();
    RLNAS_CHECK(mkdtemp(name.data()) != nullptr, run_failed, name, ": cannot make a temporary directory");
    path_ = name;
  }
  ~PlanDirectory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  PlanDirectory(const PlanDirectory&) = delete;
  PlanDirectory& operator=(const PlanDirectory&) = delete;

  std::string path() const { return path_; }

 private:
  std::string path_;
};

// Every convolution of the SuperNet is in one of two paths: 3x3 on every edge, 1x1 on every edge.
std::vector<ConvProblem> supernet_problems() {
  nasbench201::Cell pointwise;
  pointwise.ops.fill(nasbench201::Op::nor_conv_1x1);
  std::vector<ConvProblem> problems;
  std::set<std::string> seen;
  for (const nasbench201::Cell& path : {largest_path(), pointwise})
    for (const RecordedCall& call : dry_step(path, kBatchSize))
      if (call.pass && seen.insert(call.primitive + call.shape).second)
        problems.push_back({*call.conv, *call.pass});
  return problems;
}

struct PlanRun {
  CudnnDevice device;
  std::vector<ConvProblem> problems = supernet_problems();
};

double seconds_to_plan(const PlanRun& run, const PlanPolicy& policy, const std::string& directory,
                       int wanted_restored) {
  const auto start = std::chrono::steady_clock::now();
  ConvPlans plans(run.device, policy, directory);
  for (const ConvProblem& problem : run.problems) plans.of(problem);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  RLNAS_CHECK(plans.restored_count() == wanted_restored, run_failed,
              "plans restored: ", plans.restored_count(), " instead of ", wanted_restored);
  return seconds;
}

enum class Source { heuristics, files };

void bench_plans(benchmark::State& state, const PlanRun& run, const PlanPolicy& policy, Source source) {
  try {
    const PlanDirectory directory;
    const bool files = source == Source::files;
    const std::string place = files ? directory.path() : "";
    if (files) seconds_to_plan(run, policy, place, 0);
    for (auto _ : state)
      state.SetIterationTime(seconds_to_plan(run, policy, place, files ? int(run.problems.size()) : 0));
    state.counters["plans"] = double(run.problems.size());
  } catch (const Error& error) {  // such as bf16 on a device too old for it
    state.SkipWithError(error.what());
  }
}

void register_plans(const PlanRun& run) {
  const auto add = [&](const std::string& name, const PlanPolicy& policy, Source source, int iterations) {
    benchmark::RegisterBenchmark(
        name.c_str(),
        [&run, policy, source](benchmark::State& state) { bench_plans(state, run, policy, source); })
        ->Iterations(iterations)
        ->UseManualTime()
        ->Unit(benchmark::kMillisecond);
  };
  add("plans_made_first/fp32", {}, Source::heuristics, 1);
  for (const auto& [name, precision] :
       {std::pair{"fp32", Precision::fp32}, std::pair{"tf32", Precision::tf32},
        std::pair{"bf16", Precision::bf16}}) {
    add(std::string("plans_made/") + name, {.precision = precision}, Source::heuristics, 5);
    add(std::string("plans_restored/") + name, {.precision = precision}, Source::files, 5);
  }
}

}  // namespace
}  // namespace rlnas::bench

int main(int argc, char** argv) {
  using namespace rlnas;
  using namespace rlnas::bench;
  return guarded_main(argc, argv, [](std::vector<char*>& arguments) {
    const std::string file = take_flag(arguments, "--device-properties");
    RLNAS_CHECK(!file.empty() || !on_cpu(), usage,
                "needs --device-properties FILE or --device cuda[:N]: there is nothing to plan for a CPU");
    if (file.empty()) make_backend();  // its errors are clearer than cuDNN's
    const PlanRun run{file.empty() ? CudnnDevice::of_index(cuda_options().device)
                                   : CudnnDevice::of_json(read_file(file))};
    return run_benchmarks(arguments, [&] { register_plans(run); });
  });
}
