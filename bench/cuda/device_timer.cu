#include "bench/device_timer.h"

#include "bench/device.h"
#include "kernels/cuda/cuda_handles.h"

namespace rlnas::bench {
namespace {

// More than any second-level cache has.
constexpr std::size_t kFlushBytes = std::size_t{256} << 20;

cudaStream_t stream_of(Backend& backend) {
  return static_cast<cudaStream_t>(backend.native_stream());
}

class TimedEvent {
 public:
  TimedEvent() { check_cuda(cudaEventCreate(&event_), "cudaEventCreate"); }
  ~TimedEvent() { cudaEventDestroy(event_); }
  TimedEvent(const TimedEvent&) = delete;
  TimedEvent& operator=(const TimedEvent&) = delete;

  cudaEvent_t get() const { return event_; }

 private:
  cudaEvent_t event_ = nullptr;
};

// Turns of the multiprocessor's clock in about a millisecond.
__global__ void count_clock_kernel(unsigned long long* turns_and_ns) {
  unsigned long long start_ns = 0, now_ns = 0;
  asm volatile("mov.u64 %0, %globaltimer;" : "=l"(start_ns));
  const unsigned long long start = clock64();
  do asm volatile("mov.u64 %0, %globaltimer;" : "=l"(now_ns));
  while (now_ns - start_ns < 1'000'000);
  turns_and_ns[0] = clock64() - start;
  turns_and_ns[1] = now_ns - start_ns;
}

std::string measured_clock_mhz(Backend& backend) {
  const DeviceMemory counts(2 * sizeof(unsigned long long));
  auto* const device = reinterpret_cast<unsigned long long*>(counts.data());
  for (int turn = 0; turn < 100; ++turn)  // 0.1 s, for clocks to rise
    count_clock_kernel<<<1, 1, 0, stream_of(backend)>>>(device);
  check_cuda(cudaGetLastError(), "count_clock_kernel");
  unsigned long long host[2] = {};
  backend.download(host, device, sizeof host);
  return std::to_string(1000 * host[0] / host[1]);
}

int attribute(cudaDeviceAttr which) {
  int value = 0;
  return cudaDeviceGetAttribute(&value, which, cuda_options().device) == cudaSuccess ? value : 0;
}

}  // namespace

double device_time_s(Backend& backend, const std::function<void()>& queue_work) {
  if (on_cpu()) return seconds_a_call(backend, 1, [&](int) { queue_work(); });
  static const TimedEvent start, end;
  check_cuda(cudaEventRecord(start.get(), stream_of(backend)), "cudaEventRecord");
  queue_work();
  check_cuda(cudaEventRecord(end.get(), stream_of(backend)), "cudaEventRecord");
  check_cuda(cudaEventSynchronize(end.get()), "cudaEventSynchronize");
  float time_ms = 0.0f;
  check_cuda(cudaEventElapsedTime(&time_ms, start.get(), end.get()), "cudaEventElapsedTime");
  return 1e-3 * double(time_ms);
}

void flush_device_cache(Backend& backend) {
  if (on_cpu()) return;
  static const DeviceMemory other(kFlushBytes);
  check_cuda(cudaMemsetAsync(other.data(), 0, kFlushBytes, stream_of(backend)), "cudaMemsetAsync");
}

std::vector<std::pair<std::string, std::string>> device_facts(Backend& backend) {
  if (on_cpu()) return {};
  int driver = 0, runtime = 0;
  check_cuda(cudaDriverGetVersion(&driver), "cudaDriverGetVersion");
  check_cuda(cudaRuntimeGetVersion(&runtime), "cudaRuntimeGetVersion");
  return {{"cuda_driver", std::to_string(driver)},
          {"cuda_runtime", std::to_string(runtime)},
          {"sm_clock_mhz", measured_clock_mhz(backend)},
          {"sm_clock_max_mhz", std::to_string(attribute(cudaDevAttrClockRate) / 1000)},
          {"memory_clock_max_mhz", std::to_string(attribute(cudaDevAttrMemoryClockRate) / 1000)},
          {"l2_bytes", std::to_string(attribute(cudaDevAttrL2CacheSize))}};
}

double theoretical_gbs() {
  if (on_cpu()) return 0.0;
  // Two transfers a clock; the rate is in kHz, the width in bits.
  return 2.0 * double(attribute(cudaDevAttrMemoryClockRate)) *
         double(attribute(cudaDevAttrGlobalMemoryBusWidth)) / 8.0 / 1e6;
}

}  // namespace rlnas::bench
