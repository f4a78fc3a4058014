// The optimiser step over a flat weight buffer: GB/s and the share of what a copy of as many bytes reaches,
// measured just before. The layouts are 64 Ki floats as 16 tensors, 16 Mi as 1, one tensor of 64 Mi and of
// 100 M, and the ragged tensors of the NAS-Bench-201 SuperNet (floats:0). A copy is no ceiling for the
// optimiser, which reads more than it writes: shares may exceed 1.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "bench/device.h"
#include "bench/machine.h"
#include "engine/device_bytes.h"
#include "search/spaces.h"

namespace rlnas::bench {
namespace {

struct Layout {
  std::int64_t floats = 0;  // 0: the SuperNet's
  std::int64_t segments = 0;
};
constexpr Layout kLayouts[] = {{}, {1 << 16, 16}, {16 << 20, 1}, {64 << 20, 1}, {100'000'000, 1}};

SegmentTable table_of(const Layout& layout) {
  if (layout.floats == 0) return supernet_segments("nasbench201", 10);
  SegmentTable table;
  for (std::int64_t s = 0; s < layout.segments; ++s)
    table.add("w" + std::to_string(s), {layout.floats / layout.segments});
  return table;
}

// Small numbers that differ.
DeviceBytes numbers(Backend& backend, std::size_t count, std::size_t step) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = 1e-3f * float(std::int64_t(i * step) % 977 - 488);
  return {backend, values.data(), count * sizeof(float)};
}

void bench_sgd(benchmark::State& state, SegmentState kind) {
  const int threads = int(state.range(2));
  const auto backend = make_backend({.threads = threads});
  const SegmentTable table = table_of({state.range(0), state.range(1)});
  const std::vector<SegmentBlock> host_blocks = table.blocks();
  const std::vector<SegmentState> host_states(std::size_t(table.size()), kind);
  const std::size_t count = std::size_t(table.buffer_count());
  const DeviceBytes blocks(*backend, host_blocks.data(), host_blocks.size() * sizeof(SegmentBlock)),
      states(*backend, host_states.data(), host_states.size() * sizeof(SegmentState)),
      gradient = numbers(*backend, count, 7), momentum = numbers(*backend, count, 8),
      weights = numbers(*backend, count, 9);
  const SgdStep step{.spec = {0.025f, 0.9f, 5e-4f, true},
                     .blocks = blocks.as<SegmentBlock>(),
                     .block_count = int(host_blocks.size()),
                     .states = states.as<SegmentState>(),
                     .gradient = gradient.as<float>(),
                     .momentum = momentum.as<float>(),
                     .weights = weights.as<float>()};
  // Momentum and weights are read and written; the gradient of what was sampled is read.
  const double touched = kind == SegmentState::sampled ? 5 : 4;
  const double bytes = touched * sizeof(float) * double(count);
  const double copy_gbs = copy_yardstick_gbs(*backend, threads, 2 * sizeof(float) * count);
  std::vector<double> times_s;
  backend->run(step);
  for (auto _ : state) {
    times_s.push_back(seconds_a_call(*backend, calls_a_timing(), [&](int) { backend->run(step); }));
    state.SetIterationTime(times_s.back());
  }
  std::sort(times_s.begin(), times_s.end());
  const double gbs = bytes / times_s[times_s.size() / 2] / 1e9;
  state.counters["gb_per_s"] = gbs;
  state.counters["yardstick_gb_per_s"] = copy_gbs;
  state.counters["share"] = gbs / copy_gbs;
  state.counters["best_share"] = bytes / times_s.front() / 1e9 / copy_gbs;
}

void register_all() {
  for (const Layout& layout : kLayouts)
    for (const int threads : thread_counts())
      for (const auto& [name, kind] : {std::pair{"sgd_sampled", SegmentState::sampled},
                                       std::pair{"sgd_coasting", SegmentState::coasting}})
        benchmark::RegisterBenchmark(name, [kind = kind](benchmark::State& state) { bench_sgd(state, kind); })
            ->ArgNames({"floats", "segments", "threads"})
            ->Args({layout.floats, layout.segments, threads})
            ->Iterations(on_cpu() && layout.floats < 1 << 20 ? 200 : 15)
            ->UseManualTime()
            ->Unit(benchmark::kMicrosecond);
}

}  // namespace
}  // namespace rlnas::bench

int main(int argc, char** argv) {
  return rlnas::bench::bench_main(argc, argv, rlnas::bench::register_all);
}
