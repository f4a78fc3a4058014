// Angle sums and the optimiser step over a flat weight buffer: GB/s and the share of what a plain read (a
// copy, for the optimiser and on a CUDA device) of as many bytes reaches, measured just before. The layouts
// are 64 Ki floats as 16 tensors, 16 Mi as 1, 64 and 4096, one tensor of 64 Mi and of 100 M, and the ragged
// tensors of the NAS-Bench-201 SuperNet (floats:0).
// `cold`, on the CPU: after a pass over kFarBytes of other memory, where the yardstick is a read of that
// much; on a CUDA device: rotating over pairs of buffers that no cache holds together. A copy is no ceiling
// for the optimiser, which reads more than it writes, nor for a kernel that only reads: shares may exceed 1.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "bench/angle_method.h"
#include "bench/device.h"
#include "bench/machine.h"
#include "engine/device_bytes.h"
#include "search/spaces.h"

namespace rlnas::bench {
namespace {

constexpr std::size_t kDeviceCacheBytes = std::size_t{256} << 20;  // more than any second-level cache has
enum Cache : std::int64_t { hot, cold };

struct Layout {
  std::int64_t floats = 0;  // 0: the SuperNet's
  std::int64_t segments = 0;
};
constexpr Layout kSupernet;
constexpr Layout kLayouts[] = {kSupernet,        {1 << 16, 16}, {16 << 20, 1},   {16 << 20, 64},
                               {16 << 20, 4096}, {64 << 20, 1}, {100'000'000, 1}};

SegmentTable table_of(const Layout& layout) {
  if (layout.floats == 0) return supernet_segments("nasbench201", 10);
  SegmentTable table;
  for (std::int64_t s = 0; s < layout.segments; ++s)
    table.add("w" + std::to_string(s), {layout.floats / layout.segments});
  return table;
}

Layout layout_of(const benchmark::State& state) {
  return {state.range(0), state.range(1)};
}

// What a pass is run on.
struct Where {
  int threads = 0;
  Cache cache = hot;
};

Where where_of(const benchmark::State& state) {
  return {int(state.range(2)), Cache(state.range(3))};
}

// Buffers of a layout, of small numbers that differ, `each` of them for every set of operands: one set, or as
// many as a device's caches do not hold.
class Session {
 public:
  Session(const benchmark::State& state, int each)
      : where_(where_of(state)),
        backend_(make_backend({.threads = where_.threads})),
        table_(table_of(layout_of(state))),
        host_blocks_(table_.blocks()),
        blocks_(*backend_, host_blocks_.data(), host_blocks_.size() * sizeof(SegmentBlock)) {
    std::vector<float> values(static_cast<std::size_t>(table_.buffer_count()));
    const std::size_t bytes = values.size() * sizeof(float);
    const bool rotates = where_.cache == cold && !on_cpu();
    sets_ = rotates ? 1 + int(kDeviceCacheBytes / (bytes * std::size_t(each))) : 1;
    for (int b = 0; b < sets_ * each; ++b) {
      for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = 1e-3f * float(std::int64_t(i * std::size_t(7 + b % each)) % 977 - 488);
      buffers_.push_back(std::make_unique<DeviceBytes>(*backend_, values.data(), bytes));
    }
    each_ = each;
  }
  Backend& backend() const { return *backend_; }
  const Where& where() const { return where_; }
  const SegmentTable& table() const { return table_; }
  int segments() const { return table_.size(); }
  const SegmentBlock* blocks() const { return blocks_.as<SegmentBlock>(); }
  int block_count() const { return int(host_blocks_.size()); }
  double floats() const { return double(table_.buffer_count()); }
  int sets() const { return sets_; }
  float* buffer(int set, int index) const { return buffers_[std::size_t(set * each_ + index)]->as<float>(); }

 private:
  Where where_;
  std::unique_ptr<Backend> backend_;
  SegmentTable table_;
  std::vector<SegmentBlock> host_blocks_;
  DeviceBytes blocks_;
  int sets_ = 1, each_ = 1;
  std::vector<std::unique_ptr<DeviceBytes>> buffers_;
};

// Times `run`, given the set of operands, and reports it against `yardstick_gbs`: median against it in
// `share`, fastest in `best_share`.
void report(benchmark::State& state, const Session& session, double bytes, double yardstick_gbs,
            const std::function<void(int set)>& run) {
  std::vector<char> other(session.where().cache == cold && on_cpu() ? kFarBytes : 0);
  std::vector<double> times_s;
  run(0);
  for (auto _ : state) {
    std::fill(other.begin(), other.end(), char(times_s.size()));
    times_s.push_back(
        seconds_a_call(session.backend(), calls_a_timing(), [&](int call) { run(call % session.sets()); }));
    state.SetIterationTime(times_s.back());
  }
  std::sort(times_s.begin(), times_s.end());
  const double gbs = bytes / times_s[times_s.size() / 2] / 1e9;
  state.counters["gb_per_s"] = gbs;
  state.counters["yardstick_gb_per_s"] = yardstick_gbs;
  state.counters["share"] = gbs / yardstick_gbs;
  state.counters["best_share"] = bytes / times_s.front() / 1e9 / yardstick_gbs;
}

// Of a pass that only reads.
double yardstick_gbs(const Session& session, double bytes) {
  const Where& where = session.where();
  if (where.cache == hot) return read_yardstick_gbs(session.backend(), where.threads, std::size_t(bytes));
  return on_cpu() ? machine(where.threads).far_read_gbs : machine(where.threads).far_copy_gbs;
}

void bench_angle_sums(benchmark::State& state) {
  const Session session(state, 2);
  const std::size_t scratch_bytes =
      session.backend().workspace_bytes(TakeAngleSums{.block_count = session.block_count()});
  const DeviceBytes scratch(session.backend(), scratch_bytes);
  const DeviceBytes sums(session.backend(), std::size_t(session.segments()) * sizeof(AngleSums));
  const double bytes = 2.0 * sizeof(float) * session.floats();
  report(state, session, bytes, yardstick_gbs(session, bytes), [&](int set) {
    session.backend().run(TakeAngleSums{.blocks = session.blocks(),
                                        .block_count = session.block_count(),
                                        .segment_count = session.segments(),
                                        .w0 = session.buffer(set, 0),
                                        .w1 = session.buffer(set, 1),
                                        .sums = sums.as<AngleSums>()},
                          {scratch.as<void>(), scratch_bytes});
    benchmark::DoNotOptimize(sums.as<AngleSums>());
  });
}

// The same three numbers as three passes of the standard library on one thread.
void bench_three_plain_dots(benchmark::State& state) {
  const Session session(state, 2);
  const auto dot = [&](const float* a, const float* b) {
    return std::inner_product(a, a + session.table().buffer_count(), b, 0.0);
  };
  const double bytes = 2.0 * sizeof(float) * session.floats();
  report(state, session, bytes, yardstick_gbs(session, bytes), [&](int set) {
    const float *const w0 = session.buffer(set, 0), *const w1 = session.buffer(set, 1);
    AngleSums sums{dot(w0, w1), dot(w0, w0), dot(w1, w1)};
    benchmark::DoNotOptimize(sums);
  });
}

void bench_method(benchmark::State& state, const AngleMethodKind& kind) {
  const Session session(state, 2);
  AnglePairs pairs{session.backend(), session.table(), {}, {}};
  for (int set = 0; set < session.sets(); ++set) {
    pairs.w0.push_back(session.buffer(set, 0));
    pairs.w1.push_back(session.buffer(set, 1));
  }
  const std::unique_ptr<AngleMethod> method = kind.make(pairs);
  const double bytes = kind.bytes_an_element * session.floats();
  report(state, session, bytes, yardstick_gbs(session, bytes), [&](int set) { method->run(set); });
}

void bench_sgd(benchmark::State& state, SegmentState kind) {
  const Session session(state, 3);
  const std::vector<SegmentState> host_states(std::size_t(session.segments()), kind);
  const DeviceBytes states(session.backend(), host_states.data(), host_states.size() * sizeof(SegmentState));
  // Momentum and weights are read and written; the gradient of what was sampled is read.
  const double touched = kind == SegmentState::sampled ? 5 : 4;
  const double copy_gbs = copy_yardstick_gbs(session.backend(), session.where().threads,
                                             std::size_t(2.0 * sizeof(float) * session.floats()));
  const SgdSpec spec{0.025f, 0.9f, 5e-4f, true};
  report(state, session, touched * sizeof(float) * session.floats(), copy_gbs, [&](int set) {
    session.backend().run(SgdStep{.spec = spec,
                                  .blocks = session.blocks(),
                                  .block_count = session.block_count(),
                                  .states = states.as<SegmentState>(),
                                  .gradient = session.buffer(set, 0),
                                  .momentum = session.buffer(set, 1),
                                  .weights = session.buffer(set, 2)});
  });
}

void add(const std::string& name, const std::function<void(benchmark::State&)>& function,
         const Layout& layout, const Where& where) {
  benchmark::RegisterBenchmark(name.c_str(), function)
      ->ArgNames({"floats", "segments", "threads", "cold"})
      ->Args({layout.floats, layout.segments, where.threads, where.cache})
      ->Iterations(where.cache == cold && on_cpu()       ? 5
                   : on_cpu() && layout.floats < 1 << 20 ? 200
                                                         : 15)
      ->UseManualTime()
      ->Unit(benchmark::kMicrosecond);
}

void register_angles(const Layout& layout, int threads) {
  add("angle_sums", bench_angle_sums, layout, {threads, hot});
  if (!on_cpu() || layout.floats <= 16 << 20) add("angle_sums", bench_angle_sums, layout, {threads, cold});
}

// On a CUDA device.
void register_methods(const Layout& layout) {
  for (const auto& kinds : {own_angle_methods(), library_angle_methods()})
    for (const AngleMethodKind& kind : kinds)
      for (const Cache cache : {hot, cold})
        add(kind.name, [kind](benchmark::State& state) { bench_method(state, kind); }, layout, {0, cache});
}

void register_all() {
  for (const Layout& layout : kLayouts) {
    if (on_cpu()) add("three_plain_dots", bench_three_plain_dots, layout, {1, hot});
    for (const int threads : thread_counts()) {
      register_angles(layout, threads);
      if (layout.segments > 1) continue;  // the optimiser's blocks are the same
      for (const auto& [name, kind] : {std::pair{"sgd_sampled", SegmentState::sampled},
                                       std::pair{"sgd_coasting", SegmentState::coasting}})
        add(name, [kind = kind](benchmark::State& state) { bench_sgd(state, kind); }, layout, {threads, hot});
    }
    if (!on_cpu()) register_methods(layout);
  }
}

}  // namespace
}  // namespace rlnas::bench

int main(int argc, char** argv) {
  return rlnas::bench::bench_main(argc, argv, rlnas::bench::register_all);
}
