// Each detector of the emulator against a kernel with the bug planted that it is there for, under every
// schedule; and the same kernel without the bug, which must pass.
#include <doctest/doctest.h>

#include <gpu_runtime.cuh>
#include <vector>

namespace rlnas::test {
namespace {

constexpr int kThreads = 64;  // two warps

enum class Bug { none, planted };

LaunchShape block_of(unsigned threads, Cooperation cooperation = Cooperation::block) {
  return {{2}, {threads}, cooperation};
}

// The fault's message, or "" when there was none.
template <class... Params, class... Args>
std::string fault_of(const char* name, void (*kernel)(Params...), const LaunchShape& shape, Args... args) {
  try {
    launch(name, kernel, shape, nullptr, args...);
  } catch (const emulation::Fault& fault) {
    return fault.what();
  }
  return "";
}

// The bug's message must have these parts, and name kernel, block, thread and line; without the bug, silence.
template <class... Args>
void check_caught(const char* name, void (*kernel)(Bug, Args...), std::initializer_list<const char*> parts,
                  Args... args) {
  for (const emulation::Schedule schedule : emulation::kSchedules) {
    emulation::options().schedule = schedule;
    CAPTURE(int(schedule));
    CHECK(fault_of(name, kernel, block_of(kThreads), Bug::none, args...) == "");
    const std::string message = fault_of(name, kernel, block_of(kThreads), Bug::planted, args...);
    CAPTURE(message);
    for (const char* const part : parts) CHECK(message.find(part) != std::string::npos);
    CHECK(message.find(std::string("kernel ") + name + ", block (") != std::string::npos);
    CHECK(message.find("detector_test.cpp:") != std::string::npos);
  }
}

#define CHECK_CAUGHT(kernel, ...) check_caught(#kernel, kernel, __VA_ARGS__)

__global__ void read_too_early_kernel(Bug bug, float* out) {
  RLNAS_SHARED(float, values, kThreads);
  const int t = int(threadIdx.x);
  values[t] = 0.0f;
  __syncthreads();
  values[t] = float(t);
  if (bug == Bug::none) __syncthreads();
  out[blockIdx.x * kThreads + threadIdx.x] = values[(t + 1) % kThreads];
}

__global__ void write_too_early_kernel(Bug bug, float* out) {
  RLNAS_SHARED(float, values, kThreads);
  const int t = int(threadIdx.x);
  values[t] = float(t);
  __syncthreads();
  const float neighbour = values[(t + 1) % kThreads];
  if (bug == Bug::none) __syncthreads();
  values[t] = neighbour;
  out[blockIdx.x * kThreads + threadIdx.x] = neighbour;
}

// A reader of the same warp, not the last one to read.
__global__ void write_after_own_read_kernel(Bug bug, float* out) {
  RLNAS_SHARED(float, value, 1);
  if (threadIdx.x == 0) value[0] = 1.0f;
  __syncthreads();
  const float read = value[0];
  if (bug == Bug::none) __syncwarp();
  if (bug == Bug::none) __syncthreads();
  if (threadIdx.x % 32 == 31 && threadIdx.x < 32) value[0] = read + 1.0f;
  out[blockIdx.x * kThreads + threadIdx.x] = read;
}

__global__ void two_writers_kernel(Bug bug, float* out) {
  RLNAS_SHARED(float, value, kThreads);
  value[bug == Bug::none ? int(threadIdx.x) : int(threadIdx.x) / 2] = 1.0f;
  out[blockIdx.x * kThreads + threadIdx.x] = 0.0f;
}

__global__ void warp_reads_too_early_kernel(Bug bug, float* out) {
  RLNAS_SHARED(float, values, kThreads);
  const int t = int(threadIdx.x);
  values[t] = 0.0f;
  __syncwarp();
  values[t] = float(t);
  if (bug == Bug::none) __syncwarp();
  out[blockIdx.x * kThreads + threadIdx.x] = values[t ^ 1];
}

__global__ void divergent_barrier_kernel(Bug bug) {
  if (bug == Bug::none || threadIdx.x < 32)
    __syncthreads();
  else
    __syncthreads();
}

__global__ void early_exit_kernel(Bug bug) {
  if (bug == Bug::planted && threadIdx.x == 5) return;
  __syncthreads();
}

__global__ void caller_not_in_mask_kernel(Bug bug) {
  __syncwarp(bug == Bug::none ? ~0u : 0xFFFFFFFEu);
}

__global__ void exited_lane_in_mask_kernel(Bug bug, float* out) {
  if (threadIdx.x % 32 >= 16 && bug == Bug::planted) return;
  out[blockIdx.x * kThreads + threadIdx.x] = __shfl_xor_sync(~0u, 1.0f, 1);
}

__global__ void reads_lane_outside_mask_kernel(Bug bug, float* out) {
  const unsigned half = threadIdx.x % 32 < 16 ? 0x0000FFFFu : 0xFFFF0000u;
  out[blockIdx.x * kThreads + threadIdx.x] = __shfl_xor_sync(half, 1.0f, bug == Bug::none ? 8 : 16);
}

__global__ void different_operations_kernel(Bug bug, float* out) {
  float value = 1.0f;
  if (bug == Bug::none || threadIdx.x % 2 == 0)
    value = __shfl_xor_sync(~0u, value, 1);
  else
    value = __shfl_down_sync(~0u, value, 1);
  out[blockIdx.x * kThreads + threadIdx.x] = value;
}

// Half a warp waits for the other half, which waits at the barrier.
__global__ void waits_for_each_other_kernel(Bug bug) {
  if (bug == Bug::none || threadIdx.x % 32 < 16) __syncwarp();
  __syncthreads();
}

__global__ void past_shared_array_kernel(Bug bug, float* out) {
  RLNAS_SHARED(float, values, kThreads);
  values[int(threadIdx.x) + (bug == Bug::planted && threadIdx.x == kThreads - 1 ? 1 : 0)] = 1.0f;
  out[blockIdx.x * kThreads + threadIdx.x] = 0.0f;
}

__global__ void reads_unwritten_shared_kernel(Bug bug, float* out) {
  RLNAS_SHARED(float, values, kThreads);
  if (bug == Bug::none || threadIdx.x != 7) values[threadIdx.x] = 1.0f;
  __syncthreads();
  out[blockIdx.x * kThreads + threadIdx.x] = values[threadIdx.x];
}

__global__ void misaligned_load_kernel(Bug bug, const float* from, float* out) {
  const float4 v = __ldg(reinterpret_cast<const float4*>(from + (bug == Bug::none ? 4 : 1)));
  out[blockIdx.x * kThreads + threadIdx.x] = v.x;
}

struct alignas(16) Buffer {
  float data[2 * kThreads] = {};
};

}  // namespace

TEST_CASE("detector: a missing barrier, both ways") {
  Buffer out;
  // Of two threads that race, the schedule decides which comes second and is reported.
  CHECK_CAUGHT(read_too_early_kernel, {" race on shared values[", "no barrier since thread ("}, out.data);
  CHECK_CAUGHT(write_too_early_kernel, {" race on shared values[", "no barrier since thread ("}, out.data);
  CHECK_CAUGHT(write_after_own_read_kernel, {" race on shared value[0]", "no barrier since thread ("},
               out.data);
  CHECK_CAUGHT(two_writers_kernel, {"write-after-write race on shared value[", "thread ("}, out.data);
  CHECK_CAUGHT(warp_reads_too_early_kernel, {" race on shared values[", "no barrier since thread ("},
               out.data);

  const auto forward = [&](const char* name, auto kernel) {
    emulation::options().schedule = emulation::Schedule::forward;
    return fault_of(name, kernel, block_of(kThreads), Bug::planted, static_cast<float*>(out.data));
  };
  CHECK(forward("write_too_early_kernel", write_too_early_kernel)
            .find("write-after-read race on shared values[1]: no barrier since thread (0,0,0); kernel "
                  "write_too_early_kernel, block (0,0,0), thread (1,0,0), at detector_test.cpp:") == 0);
  CHECK(forward("write_after_own_read_kernel", write_after_own_read_kernel)
            .find("write-after-read race on shared value[0]: no barrier since thread (30,0,0)") == 0);
  emulation::options().schedule = emulation::Schedule::reverse;
  CHECK(fault_of("read_too_early_kernel", read_too_early_kernel, block_of(kThreads), Bug::planted,
                 static_cast<float*>(out.data))
            .find("read-after-write race on shared values[") == 0);
}

TEST_CASE("detector: barriers that not all threads reach") {
  CHECK_CAUGHT(divergent_barrier_kernel,
               {"barrier divergence: thread (0,0,0) waits at", "thread (32,0,0) at"});
  CHECK_CAUGHT(early_exit_kernel, {"early exit: 1 of 64 threads left before the __syncthreads", "thread ("});
  CHECK_CAUGHT(waits_for_each_other_kernel,
               {"deadlock", "32 threads wait in the __syncthreads", "32 threads wait in the warp operation"});
}

TEST_CASE("detector: warp masks") {
  Buffer out;
  CHECK_CAUGHT(caller_not_in_mask_kernel, {"wrong warp mask: the calling lane is not in it", "thread ("});
  CHECK_CAUGHT(reads_lane_outside_mask_kernel,
               {"wrong warp mask: the shuffle reads lane", "which is not in it", "thread ("}, out.data);
  CHECK_CAUGHT(different_operations_kernel, {"warp divergence", "thread ("}, out.data);
  // Which is seen depends on who comes first: the lanes that leave, or those that wait for them.
  for (const emulation::Schedule schedule : emulation::kSchedules) {
    emulation::options().schedule = schedule;
    const auto run = [&](Bug bug) {
      return fault_of("exited_lane_in_mask_kernel", exited_lane_in_mask_kernel, block_of(kThreads), bug,
                      out.data);
    };
    CHECK(run(Bug::none) == "");
    const std::string message = run(Bug::planted);
    CAPTURE(message);
    CHECK((message.find("which has exited") != std::string::npos ||
           message.find("32 have exited") != std::string::npos));
    CHECK(message.find("kernel exited_lane_in_mask_kernel, block (") != std::string::npos);
  }
}

TEST_CASE("detector: shared memory out of bounds or not written") {
  Buffer out;
  CHECK_CAUGHT(past_shared_array_kernel,
               {"out of bounds: shared values[64] of 64 elements", "thread (63,0,0)"}, out.data);
  CHECK_CAUGHT(reads_unwritten_shared_kernel,
               {"uninitialised shared memory: values[7] is read", "thread (7,0,0)"}, out.data);
}

TEST_CASE("detector: misaligned vector load") {
  Buffer out, from;
  CHECK_CAUGHT(misaligned_load_kernel, {"misaligned load of 16 bytes", "thread ("},
               static_cast<const float*>(from.data), out.data);
}

TEST_CASE("detector: a launch that promises independent threads") {
  Buffer out;
  const LaunchShape independent = block_of(kThreads, Cooperation::independent);
  CHECK(fault_of("early_exit_kernel", early_exit_kernel, independent, Bug::none)
            .find("__syncthreads in a kernel launched with independent threads") != std::string::npos);
  CHECK(fault_of("two_writers_kernel", two_writers_kernel, independent, Bug::none, out.data)
            .find("shared memory in a kernel launched with independent threads") != std::string::npos);
}

TEST_CASE("detector: a launch that no GPU takes") {
  for (const LaunchShape& shape :
       {block_of(1025), block_of(0), LaunchShape{{0}, {1}}, LaunchShape{{1, 65536}, {1}}})
    CHECK(fault_of("early_exit_kernel", early_exit_kernel, shape, Bug::none)
              .find("kernel early_exit_kernel: no GPU takes") == 0);
}

namespace {

// Reads its neighbour's element of global memory while that one writes it.
__global__ void order_dependent_kernel(float* values) {
  const int t = int(threadIdx.x);
  const float neighbour = values[(t + 1) % kThreads];
  __syncwarp();
  values[t] = values[t] + neighbour;
}

std::vector<float> run_order_dependent(emulation::Schedule schedule) {
  emulation::options().schedule = schedule;
  std::vector<float> values(kThreads, 1.0f);
  launch("order_dependent_kernel", order_dependent_kernel, {{1}, {unsigned(kThreads)}, Cooperation::block},
         nullptr, values.data());
  return values;
}

}  // namespace

TEST_CASE("detector: results that depend on the order of warps differ between schedules") {
  const std::vector<float> forward = run_order_dependent(emulation::Schedule::forward);
  CHECK(forward == run_order_dependent(emulation::Schedule::forward));
  CHECK(forward != run_order_dependent(emulation::Schedule::reverse));
  int differ = 0;
  for (int run = 0; run < 20; ++run)
    differ += run_order_dependent(emulation::Schedule::random_priority) != forward;
  CHECK(differ > 0);
}

TEST_CASE("launches can be queued and run later, each in its order") {
  std::vector<std::function<void()>> queue;
  const emulation::Executor before = emulation::executor();
  emulation::executor() = [&](emulation::Launch launch) { queue.push_back(std::move(launch.run)); };
  Buffer out;
  launch("two_writers_kernel", two_writers_kernel, block_of(kThreads), nullptr, Bug::none, out.data);
  emulation::executor() = before;
  REQUIRE(queue.size() == 1);
  out.data[3] = 5.0f;
  queue.front()();
  CHECK(out.data[3] == 0.0f);
}

}  // namespace rlnas::test
