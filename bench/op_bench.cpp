// Every primitive call of one training step by itself: us, GFLOP/s, GB/s, and the share of its limit, which
// is the longer of FLOPs at the FMA peak and bytes at the bandwidth of a buffer of that size. Time is the
// median of repeated calls. in_step_us is the first one's, which found the caches as the step had left them;
// in_step_share sets it against the limit that `rlnas_train --profile` uses (engine/profile.h). On a CUDA
// device the limit is the bytes' alone, and in_step_us has the waiting for one call in it.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>

#include "bench/device.h"
#include "bench/machine.h"
#include "bench/repeating_backend.h"
#include "bench/step_runner.h"
#include "engine/profile.h"

namespace rlnas::bench {
namespace {

constexpr int kBatchSize = 64;

// The largest path has 3x3 convolutions alone; the other one has every operation, and nodes of one to three
// edges.
enum class Path { largest, mixed };

nasbench201::Cell cell_of(Path path) {
  using enum nasbench201::Op;
  if (path == Path::largest) return largest_path();
  return {{nor_conv_1x1, avg_pool_3x3, nor_conv_3x3, skip_connect, avg_pool_3x3, nor_conv_1x1}};
}

// A warm SuperNet on a number of threads.
class OpSession {
 public:
  explicit OpSession(int threads)
      : threads_(threads),
        limits_(measure_profile_limits(threads)),
        device_(make_backend({.threads = threads})),
        backend_(*device_, calls_a_timing()),
        runner_(backend_, kBatchSize) {
    runner_.set_learning_rate(0.0f);  // a repeated optimiser step must not blow the weights up
    for (const Path path : {Path::largest, Path::mixed}) run(path, "");
  }

  const RepeatingBackend& run(Path path, const std::string& repeated_call) {
    backend_.select(repeated_call);
    runner_.run(cell_of(path));
    return backend_;
  }

  int threads() const { return threads_; }
  const ProfileLimits& limits() const { return limits_; }

  // The better of reading and copying over so many bytes, again and again as a repeated call does.
  double bandwidth_gbs(std::uint64_t bytes) {
    double& gbs = bandwidth_gbs_[bytes];
    if (gbs == 0.0)
      gbs = std::max(read_yardstick_gbs(*device_, threads_, bytes),
                     copy_yardstick_gbs(*device_, threads_, bytes));
    return gbs;
  }

 private:
  int threads_;
  ProfileLimits limits_;
  std::unique_ptr<Backend> device_;
  RepeatingBackend backend_;
  StepRunner runner_;
  std::map<std::uint64_t, double> bandwidth_gbs_;
};

OpSession& session(int threads) {
  static std::unique_ptr<OpSession> current;
  if (current == nullptr || current->threads() != threads) {
    current.reset();
    current = std::make_unique<OpSession>(threads);
  }
  return *current;
}

struct BenchedCall {
  RecordedCall call;
  Path path;
  int count = 0;  // in a step of the path
};

void bench_call(benchmark::State& state, const BenchedCall& benched, int threads) {
  OpSession& steps = session(threads);
  std::vector<std::int64_t> times;
  double median_ns = 0.0;
  for (auto _ : state) {
    times = steps.run(benched.path, call_name(benched.call)).times_ns();
    if (times.size() < 2) {
      state.SkipWithError("the step made no such call");
      return;
    }
    const auto middle = times.begin() + 1 + std::ptrdiff_t(times.size() / 2);
    std::nth_element(times.begin() + 1, middle, times.end());
    median_ns = double(*middle);
    state.SetIterationTime(1e-9 * median_ns);
  }
  const RecordedCall& call = benched.call;
  const double in_step_ns = double(times.front());
  const double by_flops = steps.limits().flops_time_ns(call);
  const double by_bytes = double(call.bytes) / steps.bandwidth_gbs(call.bytes);
  const double in_step_limit = std::max(by_flops, steps.limits().bytes_time_ns(call));
  state.counters["calls"] = benched.count;
  state.counters["gflop_per_s"] = double(call.flops) / median_ns;
  state.counters["gb_per_s"] = double(call.bytes) / median_ns;
  state.counters["limit_share"] = std::max(by_flops, by_bytes) / median_ns;
  state.counters["in_step_us"] = 1e-3 * in_step_ns;
  if (steps.limits().known()) state.counters["in_step_share"] = in_step_limit / in_step_ns;
  state.SetLabel(by_flops >= by_bytes ? "flops bound" : "bytes bound");
}

// The distinct calls of a step of each path, in the order in which they come.
std::vector<BenchedCall> calls_of_a_step() {
  std::vector<BenchedCall> benched;
  std::map<std::string, std::size_t> place;
  OpSession& steps = session(thread_counts().back());
  for (const Path path : {Path::largest, Path::mixed})
    for (const TimedCall& timed : steps.run(path, "").calls()) {
      if (timed.call.primitive == "upload" || timed.call.primitive == "download") continue;
      const auto [found, is_new] = place.emplace(call_name(timed.call), benched.size());
      if (is_new) benched.push_back({timed.call, path});
      BenchedCall& entry = benched[found->second];
      entry.count += entry.path == path;
    }
  return benched;
}

void register_calls() {
  for (const BenchedCall& benched : calls_of_a_step())
    for (const int threads : thread_counts()) {
      const std::string name = call_name(benched.call) + "/threads:" + std::to_string(threads);
      benchmark::RegisterBenchmark(name.c_str(), bench_call, benched, threads)
          ->Iterations(1)
          ->UseManualTime()
          ->Unit(benchmark::kMicrosecond);
    }
}

}  // namespace
}  // namespace rlnas::bench

int main(int argc, char** argv) {
  return rlnas::bench::bench_main(argc, argv, rlnas::bench::register_calls);
}
