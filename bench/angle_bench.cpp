// Angle sums and the optimiser step over a flat weight buffer: GB/s and the share of what a plain read (a
// copy, for the optimiser) of as many bytes reaches, measured just before on pinned threads. The layouts are
// one large tensor of 16 Mi, 64 Mi and 100 M floats, and the ragged tensors of the NAS-Bench-201 SuperNet.
// `cold`: after a pass over kFarBytes of other memory, where the yardstick is a read of that much. A copy
// is no ceiling for the optimiser, which reads more than it writes: its share may exceed 1.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>

#include "bench/machine.h"
#include "engine/segment_table.h"
#include "kernels/backend.h"
#include "search/nasbench201/supernet.h"

namespace rlnas::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kSupernet = 0;  // as a number of floats: the SuperNet's layout
constexpr std::int64_t kFloatCounts[] = {kSupernet, 16 << 20, 64 << 20, 100'000'000};
enum Cache : std::int64_t { hot, cold };

SegmentTable layout(std::int64_t floats) {
  if (floats == kSupernet) return nasbench201::supernet_segments(10);
  SegmentTable table;
  table.add("w", {floats});
  return table;
}

// Backend memory, released with its scope.
template <class T>
class Buffer {
 public:
  Buffer(Backend& backend, std::size_t count)
      : backend_(backend), data_(static_cast<T*>(backend.allocate(count * sizeof(T)))) {}
  ~Buffer() { backend_.release(data_); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  T* data() const { return data_; }

 private:
  Backend& backend_;
  T* data_;
};

// `count` buffers of the layout, of small numbers that differ.
class Session {
 public:
  Session(std::int64_t floats, int threads, int count)
      : backend_(make_cpu_backend({.threads = threads})), table_(layout(floats)), blocks_(table_.blocks()) {
    for (int b = 0; b < count; ++b) {
      buffers_.push_back(std::make_unique<Buffer<float>>(*backend_, std::size_t(buffer_floats())));
      float* const values = buffers_.back()->data();
      for (std::int64_t i = 0; i < buffer_floats(); ++i) values[i] = 1e-3f * float((i * (7 + b)) % 977 - 488);
    }
  }
  Backend& backend() { return *backend_; }
  const std::vector<SegmentBlock>& blocks() const { return blocks_; }
  int segments() const { return table_.size(); }
  std::int64_t buffer_floats() const { return table_.buffer_count(); }
  float* buffer(int index) const { return buffers_[std::size_t(index)]->data(); }

 private:
  std::unique_ptr<Backend> backend_;
  SegmentTable table_;
  std::vector<SegmentBlock> blocks_;
  std::vector<std::unique_ptr<Buffer<float>>> buffers_;
};

// Times `run` and reports it against `yardstick_gbs`: median against it in `share`, fastest in `best_share`.
template <class Run>
void report(benchmark::State& state, double bytes, Cache cache, double yardstick_gbs, const Run& run) {
  std::vector<char> other(cache == cold ? kFarBytes : 0);
  std::vector<double> times_s;
  run();
  for (auto _ : state) {
    std::fill(other.begin(), other.end(), char(times_s.size()));
    const Clock::time_point start = Clock::now();
    run();
    times_s.push_back(std::chrono::duration<double>(Clock::now() - start).count());
    state.SetIterationTime(times_s.back());
  }
  std::sort(times_s.begin(), times_s.end());
  const double gbs = bytes / times_s[times_s.size() / 2] / 1e9;
  state.counters["gb_per_s"] = gbs;
  state.counters["yardstick_gb_per_s"] = yardstick_gbs;
  state.counters["share"] = gbs / yardstick_gbs;
  state.counters["best_share"] = bytes / times_s.front() / 1e9 / yardstick_gbs;
}

void bench_angle_sums(benchmark::State& state) {
  const int threads = int(state.range(1));
  const Cache cache = Cache(state.range(2));
  Session session(state.range(0), threads, 2);
  std::vector<AngleSums> sums(std::size_t(session.segments()));
  const int blocks = int(session.blocks().size());
  const std::size_t scratch_bytes = session.backend().angle_sums_workspace_bytes(blocks);
  const Buffer<char> scratch(session.backend(), scratch_bytes);
  const double bytes = 2.0 * sizeof(float) * double(session.buffer_floats());
  const double read_gbs =
      cache == cold ? machine(threads).far_read_gbs : read_bandwidth_gbs(threads, std::size_t(bytes));
  report(state, bytes, cache, read_gbs, [&] {
    session.backend().angle_sums(session.blocks().data(), blocks, session.segments(), session.buffer(0),
                                 session.buffer(1), sums.data(), {scratch.data(), scratch_bytes});
    benchmark::DoNotOptimize(sums.data());
  });
}

// The same three numbers as three passes of the standard library on one thread.
void bench_three_dots(benchmark::State& state) {
  Session session(state.range(0), 1, 2);
  const auto dot = [&](const float* a, const float* b) {
    return std::inner_product(a, a + session.buffer_floats(), b, 0.0);
  };
  const double bytes = 2.0 * sizeof(float) * double(session.buffer_floats());
  report(state, bytes, hot, read_bandwidth_gbs(1, std::size_t(bytes)), [&] {
    const float *const w0 = session.buffer(0), *const w1 = session.buffer(1);
    AngleSums sums{dot(w0, w1), dot(w0, w0), dot(w1, w1)};
    benchmark::DoNotOptimize(sums);
  });
}

void bench_sgd(benchmark::State& state, SegmentState kind) {
  const int threads = int(state.range(1));
  Session session(state.range(0), threads, 3);
  const std::vector<SegmentState> states(std::size_t(session.segments()), kind);
  // Momentum and weights are read and written; the gradient of what was sampled is read.
  const double floats = double(session.buffer_floats()), touched = kind == SegmentState::sampled ? 5 : 4;
  const double copy_gbs = copy_bandwidth_gbs(threads, std::size_t(2.0 * sizeof(float) * floats));
  const SgdSpec spec{0.025f, 0.9f, 5e-4f, true};
  report(state, touched * sizeof(float) * floats, hot, copy_gbs, [&] {
    session.backend().sgd_step(spec, session.blocks().data(), int(session.blocks().size()), states.data(),
                               session.buffer(0), session.buffer(1), session.buffer(2));
  });
}

void register_all() {
  const auto add = [](const char* name, auto function, std::int64_t floats, int threads, Cache cache) {
    benchmark::RegisterBenchmark(name, function)
        ->ArgNames({"floats", "threads", "cold"})
        ->Args({floats, threads, cache})
        ->Iterations(cache == cold         ? 5
                     : floats == kSupernet ? 200
                                           : 15)
        ->UseManualTime()
        ->Unit(benchmark::kMicrosecond);
  };
  for (const std::int64_t floats : kFloatCounts) {
    add("three_plain_dots", bench_three_dots, floats, 1, hot);
    for (const int threads : thread_counts()) {
      add("angle_sums", bench_angle_sums, floats, threads, hot);
      if (floats <= 16 << 20) add("angle_sums", bench_angle_sums, floats, threads, cold);
      for (const auto& [name, kind] : {std::pair{"sgd_sampled", SegmentState::sampled},
                                       std::pair{"sgd_coasting", SegmentState::coasting}})
        add(
            name, [kind = kind](benchmark::State& state) { bench_sgd(state, kind); }, floats, threads, hot);
    }
  }
}

}  // namespace
}  // namespace rlnas::bench

int main(int argc, char** argv) {
  return rlnas::bench::bench_main(argc, argv, rlnas::bench::register_all);
}
