// The simulated runtime itself: what a program that is right may rely on under every policy, and that each
// kind of program that is wrong is caught.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <numeric>
#include <vector>

#include "tests/simulator/simulated.h"
#include "tests/simulator/stream.h"

namespace rlnas::simulator {
namespace {

using test::check_has;
using test::message_of;

constexpr int kCount = 1000;
constexpr std::size_t kBytes = kCount * sizeof(float);

#define CHECK_CUDA(call) CHECK((call) == cudaSuccess)

struct Stream {
  Stream() { CHECK_CUDA(cudaStreamCreateWithFlags(&handle, cudaStreamNonBlocking)); }
  ~Stream() { cudaStreamDestroy(handle); }
  operator cudaStream_t() const { return handle; }
  cudaStream_t handle = nullptr;
};
struct Event {
  Event() { CHECK_CUDA(cudaEventCreateWithFlags(&handle, cudaEventDisableTiming)); }
  ~Event() { cudaEventDestroy(handle); }
  operator cudaEvent_t() const { return handle; }
  cudaEvent_t handle = nullptr;
};
struct DeviceFloats {
  DeviceFloats() { CHECK_CUDA(cudaMalloc(reinterpret_cast<void**>(&data), kBytes)); }
  ~DeviceFloats() { cudaFree(data); }
  float* data = nullptr;
};
struct PinnedFloats {
  PinnedFloats() { CHECK_CUDA(cudaHostAlloc(reinterpret_cast<void**>(&data), kBytes, cudaHostAllocDefault)); }
  ~PinnedFloats() { cudaFreeHost(data); }
  float* data = nullptr;
};

// Stands for a kernel.
void launch_add(cudaStream_t stream, float* x, float value) {
  enqueue(stream, "add", [=] {
    for (int i = 0; i < kCount; ++i) x[i] += value;
  });
}

void for_every_policy(const std::function<void()>& body) {
  for (const Policy policy : kPolicies) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      CAPTURE(std::string(name_of(policy)));
      CAPTURE(seed);
      reset({.policy = policy, .seed = seed});
      body();
      CHECK(usage().alive() == 0);
    }
  }
  reset({});
}

template <class Owner>
float* freed() {
  return Owner().data;
}

// Two batches through a copy stream with events both ways, added up on a compute stream. Returns the sum.
float double_buffered_sum(int steps) {
  const Stream compute, copy;
  const Event copied[2], used[2];
  const DeviceFloats total, input[2];
  const PinnedFloats host[2], result;
  cudaMemsetAsync(total.data, 0, kBytes, compute);
  for (int step = 0; step < steps; ++step) {
    const int slot = step % 2;
    if (step >= 2) cudaEventSynchronize(copied[slot]);  // the host buffer is free again
    std::fill_n(host[slot].data, kCount, float(step + 1));
    cudaStreamWaitEvent(copy, used[slot], 0);
    cudaMemcpyAsync(input[slot].data, host[slot].data, kBytes, cudaMemcpyHostToDevice, copy);
    cudaEventRecord(copied[slot], copy);
    cudaStreamWaitEvent(compute, copied[slot], 0);
    enqueue(compute, "accumulate", [to = total.data, from = input[slot].data] {
      for (int i = 0; i < kCount; ++i) to[i] += from[i];
    });
    cudaEventRecord(used[slot], compute);
  }
  cudaMemcpyAsync(result.data, total.data, kBytes, cudaMemcpyDeviceToHost, compute);
  cudaStreamSynchronize(compute);
  return std::accumulate(result.data, result.data + kCount, 0.0f) / kCount;
}

}  // namespace

TEST_CASE("work of one stream runs in order, and copies to pageable memory have arrived") {
  for_every_policy([] {
    const Stream stream;
    const DeviceFloats x;
    std::vector<float> host(kCount, 1.0f), back(kCount);
    CHECK_CUDA(cudaMemcpyAsync(x.data, host.data(), kBytes, cudaMemcpyHostToDevice, stream));
    std::fill(host.begin(), host.end(), 7.0f);  // the copy has read it
    for (int i = 0; i < 10; ++i) launch_add(stream, x.data, 2.0f);
    CHECK_CUDA(cudaMemcpyAsync(back.data(), x.data, kBytes, cudaMemcpyDeviceToHost, stream));
    CHECK(back == std::vector<float>(kCount, 21.0f));
  });
}

TEST_CASE("nothing runs before it is waited for, and pinned memory is read when the copy runs") {
  reset({.policy = Policy::needed_only});
  {
    const Stream stream;
    const DeviceFloats x;
    const PinnedFloats from, to;
    std::fill_n(from.data, kCount, 1.0f);
    CHECK_CUDA(cudaMemcpyAsync(x.data, from.data, kBytes, cudaMemcpyHostToDevice, stream));
    CHECK_CUDA(cudaMemcpyAsync(to.data, x.data, kBytes, cudaMemcpyDeviceToHost, stream));
    CHECK(usage().operations == 0);
    CHECK(std::isnan(to.data[0]));
    from.data[0] = 2.0f;  // a bug in a program: the copy is late
    CHECK_CUDA(cudaStreamSynchronize(stream));
    CHECK(to.data[0] == 2.0f);
    CHECK(to.data[1] == 1.0f);
    CHECK(usage().copies_from_pinned == 1);
  }
  reset({});
}

TEST_CASE("memory nobody wrote is NaN") {
  reset({});
  const Stream stream;
  const DeviceFloats x;
  std::vector<float> back(kCount);
  CHECK_CUDA(cudaMemcpyAsync(back.data(), x.data, kBytes, cudaMemcpyDeviceToHost, stream));
  for (const float value : back) REQUIRE(std::isnan(value));
}

TEST_CASE("events order two streams under every policy") {
  for_every_policy([] { CHECK(double_buffered_sum(7) == 28.0f); });
}

TEST_CASE("every dropped event is caught by some policy") {
  reset({});
  double_buffered_sum(7);
  const std::int64_t waits = usage().waits;
  CHECK(waits == 14);
  // The first two wait for events that were never recorded. A wait for `used` holds a copy back for the
  // compute stream; one for `copied` the compute stream for a copy.
  for (std::int64_t wait = 1; wait <= waits; ++wait) {
    std::string caught_by;
    for (const Policy policy : kPolicies) {
      reset({.policy = policy, .drop_wait_at = wait});
      if (double_buffered_sum(7) != 28.0f) caught_by += std::string(" ") + name_of(policy);
    }
    CAPTURE(wait);
    CAPTURE(caught_by);
    const bool needed = wait != 1 && wait != 3;
    CHECK(needed == !caught_by.empty());
  }
  reset({});
}

TEST_CASE("a captured graph replays what was captured, side streams included") {
  for_every_policy([] {
    const Stream main, side;
    const Event forked, joined;
    const DeviceFloats x, y;
    CHECK_CUDA(cudaMemsetAsync(x.data, 0, kBytes, main));
    CHECK_CUDA(cudaMemsetAsync(y.data, 0, kBytes, main));
    CHECK_CUDA(cudaStreamBeginCapture(main, cudaStreamCaptureModeThreadLocal));
    launch_add(main, x.data, 1.0f);
    CHECK_CUDA(cudaEventRecord(forked, main));
    CHECK_CUDA(cudaStreamWaitEvent(side, forked, 0));
    enqueue(side, "y += x", [x = x.data, y = y.data] {
      for (int i = 0; i < kCount; ++i) y[i] += x[i];
    });
    CHECK_CUDA(cudaEventRecord(joined, side));
    CHECK_CUDA(cudaStreamWaitEvent(main, joined, 0));
    launch_add(main, x.data, 1.0f);
    cudaGraph_t graph = nullptr;
    CHECK_CUDA(cudaStreamEndCapture(main, &graph));
    cudaGraphExec_t executable = nullptr;
    CHECK_CUDA(cudaGraphInstantiate(&executable, graph, 0));
    CHECK_CUDA(cudaGraphDestroy(graph));
    for (int i = 0; i < 5; ++i) CHECK_CUDA(cudaGraphLaunch(executable, main));
    std::vector<float> back(kCount);
    CHECK_CUDA(cudaMemcpyAsync(back.data(), y.data, kBytes, cudaMemcpyDeviceToHost, main));
    CHECK(back == std::vector<float>(kCount, 1.0f + 3.0f + 5.0f + 7.0f + 9.0f));
    CHECK_CUDA(cudaGraphExecDestroy(executable));
  });
}

TEST_CASE("a program that polls comes to an end") {
  for_every_policy([] {
    const Stream stream;
    const Event event;
    const DeviceFloats x;
    CHECK_CUDA(cudaMemsetAsync(x.data, 0, kBytes, stream));
    launch_add(stream, x.data, 1.0f);
    CHECK_CUDA(cudaEventRecord(event, stream));
    int polls = 0;
    while (cudaEventQuery(event) == cudaErrorNotReady && polls < 100) ++polls;
    CHECK(polls < 100);
    CHECK_CUDA(cudaEventQuery(event));
  });
}

TEST_CASE("a missing driver or device is told as the real runtime tells it") {
  int count = 5;
  reset({.presence = Presence::no_driver});
  CHECK(cudaGetDeviceCount(&count) == cudaErrorInsufficientDriver);
  CHECK(count == 0);
  reset({.presence = Presence::no_device});
  CHECK(cudaGetDeviceCount(&count) == cudaErrorNoDevice);
  cudaStream_t stream = nullptr;
  CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaErrorNoDevice);
  CHECK(std::string(cudaGetErrorString(cudaGetLastError())) == "no CUDA-capable device is detected");
  CHECK_CUDA(cudaGetLastError());
  reset({});
  CHECK_CUDA(cudaGetDeviceCount(&count));
  CHECK(count == 1);
  CHECK(cudaSetDevice(1) == cudaErrorInvalidDevice);
  reset({});
}

TEST_CASE("calls fail where they are told to, memory also where it ends") {
  reset({.memory_bytes = 10000, .fail_kind = Call::allocate, .fail_at = 2});
  void *a = nullptr, *b = nullptr;
  CHECK_CUDA(cudaMalloc(&a, 100));
  CHECK(cudaMalloc(&b, 100) == cudaErrorMemoryAllocation);
  CHECK(b == nullptr);
  CHECK(cudaMalloc(&b, 9901) == cudaErrorMemoryAllocation);
  CHECK_CUDA(cudaMalloc(&b, 9900));
  CHECK_CUDA(cudaFree(a));
  CHECK_CUDA(cudaFree(b));
  reset({});
}

TEST_CASE("work that fails on the device is told by every later call, and memory can still be given back") {
  reset({.fail_kind = Call::execute, .fail_at = 2});
  {
    const Stream stream;
    const DeviceFloats x;
    CHECK_CUDA(cudaMemsetAsync(x.data, 0, kBytes, stream));
    launch_add(stream, x.data, 1.0f);
    CHECK(cudaStreamSynchronize(stream) == cudaErrorLaunchFailure);
    CHECK(cudaMemsetAsync(x.data, 0, kBytes, stream) == cudaErrorLaunchFailure);
    CHECK(cudaGetLastError() == cudaErrorLaunchFailure);
    CHECK(cudaGetLastError() == cudaErrorLaunchFailure);
  }
  CHECK(usage().alive() == 0);
  reset({});
}

TEST_CASE("planted bug: host code touches device memory") {
  const std::string read = message_of({}, [] {
    const DeviceFloats x;
    volatile float value = x.data[3];
    (void)value;
  });
  check_has(read, "host code touches device memory: device allocation 1 of 4000 bytes, at byte 12");
  const std::string written = message_of({}, [] {
    const DeviceFloats x;
    std::memset(x.data, 0, 4);
  });
  check_has(written, "host code touches device memory");
}

TEST_CASE("planted bug: work on the default stream") {
  for (const cudaStream_t stream : {cudaStream_t{nullptr}, cudaStreamLegacy, cudaStreamPerThread})
    check_has(message_of({}, [=] { launch_add(stream, nullptr, 0.0f); }), "add on the default stream");
  check_has(message_of({}, [] { cudaMemset(nullptr, 0, 0); }), "cudaMemset on the default stream");
  check_has(message_of({}, [] { cudaMemsetAsync(nullptr, 0, 8, nullptr); }),
            "cudaMemsetAsync on the default stream");
  cudaStream_t stream = nullptr;
  check_has(message_of({}, [&] { cudaStreamCreateWithFlags(&stream, cudaStreamDefault); }),
            "a stream that waits for the default stream");
}

TEST_CASE("planted bug: memory used after it was freed") {
  for (const Policy policy : kPolicies) {
    CAPTURE(std::string(name_of(policy)));
    const std::string by_kernel = message_of({.policy = policy}, [] {
      const Stream stream;
      float* const data = freed<DeviceFloats>();
      launch_add(stream, data, 1.0f);
      cudaStreamSynchronize(stream);
    });
    check_has(by_kernel, "add touches freed memory: device allocation 1 of 4000 bytes, at byte 0");
  }
  const std::string by_copy = message_of({}, [] {
    const Stream stream;
    float value = 0.0f;
    cudaMemcpyAsync(freed<DeviceFloats>(), &value, sizeof(value), cudaMemcpyHostToDevice, stream);
  });
  check_has(by_copy, "copy to the device uses freed memory");
  const std::string pinned = message_of({}, [] { std::memset(freed<PinnedFloats>(), 0, 4); });
  check_has(pinned, "host code touches freed memory: pinned allocation 1");
  const std::string twice = message_of({}, [] { cudaFree(freed<DeviceFloats>()); });
  check_has(twice, "freed twice: device allocation 1");
}

TEST_CASE("planted bug: accesses outside of an allocation") {
  const auto touch = [](std::ptrdiff_t at) {
    return message_of({}, [=] {
      const Stream stream;
      const DeviceFloats x;
      enqueue(stream, "stray", [=, data = x.data] { data[at] = 1.0f; });
      cudaStreamSynchronize(stream);
    });
  };
  check_has(touch(1100), "stray leaves device allocation 1 of 4000 bytes, at byte 4400");
  check_has(touch(kCount), "written past its end: device allocation 1");
  check_has(touch(-1), "device allocation 1 of 4000 bytes, at byte -4");
  const std::string by_copy = message_of({}, [] {
    const Stream stream;
    const DeviceFloats x;
    cudaMemsetAsync(x.data + 1, 0, kBytes, stream);
  });
  check_has(by_copy, "cudaMemsetAsync of 4000 bytes leaves device allocation 1 of 4000 bytes, at byte 4");
}

TEST_CASE("planted bug: handles used after they were destroyed, and things forgotten") {
  const std::string stream = message_of({}, [] {
    cudaStream_t handle = nullptr;
    cudaStreamCreateWithFlags(&handle, cudaStreamNonBlocking);
    cudaStreamDestroy(handle);
    launch_add(handle, nullptr, 0.0f);
  });
  check_has(stream, "add on a stream that was destroyed");
  const std::string event = message_of({}, [] {
    const Stream alive;
    cudaEvent_t handle = nullptr;
    cudaEventCreateWithFlags(&handle, cudaEventDisableTiming);
    cudaEventDestroy(handle);
    cudaEventRecord(handle, alive);
  });
  check_has(event, "cudaEventRecord of an event that was destroyed");
  check_has(message_of({},
                       [] {
                         void* block = nullptr;
                         cudaMalloc(&block, 4);
                         reset({});
                       }),
            "reset while in use: 1 device and 0 host allocations");
}

TEST_CASE("the environment variable says what the options say") {
  const Options options = parse_options(
      "policy=needed_last seed=7 presence=no_device memory=123 fail=execute:9 drop_wait=4 drop_update=5");
  CHECK(options.policy == Policy::needed_last);
  CHECK(options.seed == 7);
  CHECK(options.presence == Presence::no_device);
  CHECK(options.memory_bytes == 123);
  CHECK(options.fail_kind == Call::execute);
  CHECK(options.fail_at == 9);
  CHECK(options.drop_wait_at == 4);
  CHECK(options.drop_update_at == 5);
  for (const char* wrong : {"policy=lazy", "seed=", "fail=9", "fail=launch:x", "colour=red", "seed"})
    CHECK_THROWS_WITH(parse_options(wrong),
                      ("SIMULATED_GPU: '" + std::string(wrong) + "' is not understood").c_str());
}

}  // namespace rlnas::simulator
