// Kernels are instantiated for each instruction set and chosen at run time, not by -march: oneDNN does the
// same, and a peak must not be lower than what a library reaches beside it.
#include "engine/machine_peaks.h"

#include <sched.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <limits>
#include <thread>
#include <vector>

#include "kernels/check.h"

namespace rlnas {
namespace {

using Clock = std::chrono::steady_clock;

// 12 independent chains hide a latency of 4 to 6 cycles at two multiply-adds a cycle, and fit 16 registers.
constexpr int kChains = 12;

struct PeakKernels {
  using Read = float (*)(const float* data, std::size_t floats);  // floats: a multiple of kReadFloats

  float (*multiply_add)(std::int64_t turns);  // kChains vectors of multiply-adds a turn
  Read read_cached, read_memory;              // the second prefetches
  int width;                                  // floats in a vector
};
constexpr std::size_t kPrefetchFloats = 512;  // 2 KiB ahead: 15 % more from DRAM than the hardware prefetches

// A macro, since a template cannot take an instruction set, and vector operations are lowered to what a
// function itself may use before anything is inlined. x = x/2 + 1 stays finite; it starts from what the
// compiler cannot know, or it would run the chain that begins at the fixed point, 2, by itself.
#define RLNAS_PEAK_KERNELS(NAME, TARGET, WIDTH)                                                              \
  struct NAME {                                                                                              \
    using V = float __attribute__((vector_size(WIDTH * sizeof(float)), aligned(4), may_alias));              \
    TARGET static float multiply_add(std::int64_t turns) {                                                   \
      V half = V{} + 0.5f, one = V{} + 1.0f, x[kChains];                                                     \
      for (int i = 0; i < kChains; ++i) x[i] = V{} + float(turns + i);                                       \
      for (std::int64_t turn = 0; turn < turns; ++turn)                                                      \
        for (int i = 0; i < kChains; ++i) x[i] = x[i] * half + one;                                          \
      for (int i = 1; i < kChains; ++i) x[0] += x[i];                                                        \
      return x[0][0];                                                                                        \
    }                                                                                                        \
    template <std::size_t kAhead>                                                                            \
    TARGET static float read(const float* data, std::size_t floats) {                                        \
      constexpr int kVectors = int(kReadFloats) / WIDTH;                                                     \
      V sums[kVectors] = {};                                                                                 \
      for (std::size_t i = 0; i < floats; i += kReadFloats) {                                                \
        for (std::size_t line = 0; kAhead > 0 && line < kReadFloats; line += 16)                             \
          __builtin_prefetch(data + i + line + kAhead);                                                      \
        for (int v = 0; v < kVectors; ++v) sums[v] += *reinterpret_cast<const V*>(data + i + v * WIDTH);     \
      }                                                                                                      \
      for (int v = 1; v < kVectors; ++v) sums[0] += sums[v];                                                 \
      return sums[0][0];                                                                                     \
    }                                                                                                        \
    static constexpr PeakKernels kernels() { return {multiply_add, read<0>, read<kPrefetchFloats>, WIDTH}; } \
  };

RLNAS_PEAK_KERNELS(Baseline, , 4)
#if defined(__x86_64__)
RLNAS_PEAK_KERNELS(Avx2, __attribute__((target("avx2,fma"))), 8)
RLNAS_PEAK_KERNELS(Avx512, __attribute__((target("avx512f"))), 16)
#endif

PeakKernels best_kernels() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return Avx512::kernels();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return Avx2::kernels();
#endif
  return Baseline::kernels();
}

std::atomic<float> sink;  // results go here, so that no work can be left out

// Keeps the calling thread on one of the CPUs this process may use, each thread on its own while there are
// enough: the scheduler may otherwise leave two on one for longer than a measurement takes.
void stay_on_cpu_of(int thread) {
#if defined(__linux__)
  cpu_set_t allowed, mine;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return;
  int skip = thread % std::max(1, CPU_COUNT(&allowed));
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed) || skip-- > 0) continue;
    CPU_ZERO(&mine);
    CPU_SET(cpu, &mine);
    sched_setaffinity(0, sizeof(mine), &mine);
    return;
  }
#endif
}

// Runs body(thread) `repeats` times on threads of its own, all at once; the shortest time from the first
// start to the last end, in seconds. Threads spin to start together: waking them takes as long as some of the
// runs.
template <class Body>
double best_time_s(int threads, int repeats, const Body& body) {
  std::vector<Clock::time_point> starts(static_cast<std::size_t>(threads)), ends(starts.size());
  std::atomic<int> arrived{0};
  double best_s = std::numeric_limits<double>::infinity();
  const auto meet = [&](int meeting) {
    arrived.fetch_add(1);
    while (arrived.load() < meeting * threads) std::this_thread::yield();
  };
  const auto work = [&](int thread) {
    stay_on_cpu_of(thread);
    body(thread);  // warms up: clock frequency, caches, page tables
    for (int repeat = 0, meeting = 0; repeat < repeats; ++repeat) {
      meet(++meeting);
      starts[std::size_t(thread)] = Clock::now();
      body(thread);
      ends[std::size_t(thread)] = Clock::now();
      meet(++meeting);
      if (thread > 0) continue;
      const auto first = *std::min_element(starts.begin(), starts.end());
      const auto last = *std::max_element(ends.begin(), ends.end());
      best_s = std::min(best_s, std::chrono::duration<double>(last - first).count());
    }
  };
  {
    std::vector<std::jthread> workers;
    for (int thread = 0; thread < threads; ++thread) workers.emplace_back(work, thread);
  }
  return best_s;
}

class HugePages {
 public:
  explicit HugePages(std::size_t bytes) : bytes_(bytes) {
    data_ = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    RLNAS_CHECK(data_ != MAP_FAILED, device, "no memory for a buffer of ", bytes >> 20,
                " MiB to measure with");
    madvise(data_, bytes, MADV_HUGEPAGE);  // advice: nothing lost when it is not taken
  }
  ~HugePages() { munmap(data_, bytes_); }
  HugePages(const HugePages&) = delete;
  HugePages& operator=(const HugePages&) = delete;

  float* floats() const { return static_cast<float*>(data_); }

 private:
  std::size_t bytes_;
  void* data_;
};

constexpr int kRepeats = 7;

void check_threads(int threads) {
  RLNAS_CHECK(threads > 0, usage, "--threads ", threads, ": peaks are measured on one thread or more");
}

// The part of `bytes` that one thread has, in floats.
std::size_t floats_per_thread(int threads, std::size_t bytes) {
  return std::max<std::size_t>(1, bytes / sizeof(float) / std::size_t(threads) / kReadFloats) * kReadFloats;
}

// Passes over a small buffer that make a run long enough to time.
int passes_over(std::size_t bytes) {
  constexpr std::size_t kBytesPerRun = std::size_t{64} << 20;
  return int(std::max<std::size_t>(1, kBytesPerRun / bytes));
}

}  // namespace

double fma_peak_gflops(int threads) {
  check_threads(threads);
  constexpr std::int64_t kTurns = 1'000'000;
  const PeakKernels kernels = best_kernels();
  const double time_s = best_time_s(threads, kRepeats, [&](int) { sink = kernels.multiply_add(kTurns); });
  return 2.0 * kernels.width * kChains * double(kTurns) * threads / time_s / 1e9;
}

double read_bandwidth_gbs(int threads, std::size_t bytes) {
  check_threads(threads);
  const std::size_t part = floats_per_thread(threads, bytes);
  const std::size_t used_bytes = part * std::size_t(threads) * sizeof(float);
  const int passes = passes_over(used_bytes);
  const bool cached = used_bytes <= MachinePeaks::kCacheBytesPerThread * std::size_t(threads);
  const PeakKernels::Read read = cached ? best_kernels().read_cached : best_kernels().read_memory;
  const HugePages buffer(used_bytes);
  std::vector<std::uint8_t> touched(static_cast<std::size_t>(threads));
  const double time_s = best_time_s(threads, kRepeats, [&](int thread) {
    float* const mine = buffer.floats() + part * std::size_t(thread);
    if (!touched[std::size_t(thread)]) std::fill_n(mine, part, 1.0f);
    touched[std::size_t(thread)] = 1;
    for (int pass = 0; pass < passes; ++pass) sink = read(mine, part);
  });
  return double(used_bytes) * passes / time_s / 1e9;
}

float read_memory(const float* data, std::size_t floats) {
  static const PeakKernels::Read read = best_kernels().read_memory;
  return read(data, floats);
}

double copy_bandwidth_gbs(int threads, std::size_t bytes) {
  check_threads(threads);
  const std::size_t part = floats_per_thread(threads, bytes / 2);
  const std::size_t half_bytes = part * std::size_t(threads) * sizeof(float);
  const int passes = passes_over(2 * half_bytes);
  const HugePages buffer(2 * half_bytes);
  std::vector<std::uint8_t> touched(static_cast<std::size_t>(threads));
  const double time_s = best_time_s(threads, kRepeats, [&](int thread) {
    float* const from = buffer.floats() + 2 * part * std::size_t(thread);
    if (!touched[std::size_t(thread)]) std::fill_n(from, part, 1.0f);
    touched[std::size_t(thread)] = 1;
    for (int pass = 0; pass < passes; ++pass) std::memcpy(from + part, from, part * sizeof(float));
    sink = from[2 * part - 1];
  });
  return 2.0 * double(half_bytes) * passes / time_s / 1e9;
}

MachinePeaks measure_machine_peaks(int threads) {
  check_threads(threads);
  MachinePeaks peaks;
  peaks.threads = threads;
  peaks.fma_gflops = fma_peak_gflops(threads);
  peaks.cache_read_gbs =
      read_bandwidth_gbs(threads, MachinePeaks::kCacheBytesPerThread * std::size_t(threads));
  peaks.memory_read_gbs = read_bandwidth_gbs(threads, MachinePeaks::kMemoryBytes);
  peaks.memory_copy_gbs = copy_bandwidth_gbs(threads, MachinePeaks::kMemoryBytes);
  return peaks;
}

}  // namespace rlnas
