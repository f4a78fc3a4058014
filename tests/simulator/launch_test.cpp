// Kernel launches on the simulated device that are wrong, through the backend's own launchers.
#include "kernels/cuda/cuda_handles.h"
#include "kernels/cuda/elementwise.cuh"
#include "tests/simulator/simulated.h"

namespace rlnas::test {
namespace {

constexpr std::size_t kCount = 64, kBytes = kCount * sizeof(float);

float* floats(const DeviceMemory& memory) {
  return reinterpret_cast<float*>(memory.data());
}

}  // namespace

TEST_CASE("planted bug: a kernel on the default stream") {
  check_has(message_of({},
                       [] {
                         const DeviceMemory y(kBytes);
                         launch_fill({.count = kCount, .value = 1.0f, .y = floats(y)}, nullptr);
                       }),
            "kernel fill_kernel on the default stream");
}

TEST_CASE("planted bug: a kernel is given a pointer to host memory") {
  check_has(message_of({},
                       [] {
                         const CudaStream stream;
                         const DeviceMemory y(kBytes);
                         const std::vector<float> x(kCount);
                         launch_add({.count = kCount, .x = x.data(), .y = floats(y)}, stream.get());
                       }),
            "kernel add_kernel is given a pointer that is not to device memory");
}

TEST_CASE("planted bug: a kernel uses memory that was freed") {
  const auto free_before = [] {
    const CudaStream stream;
    float* const y = floats(DeviceMemory(kBytes));
    launch_fill({.count = kCount, .value = 1.0f, .y = y}, stream.get());
  };
  check_has(message_of({}, free_before), "kernel fill_kernel uses freed memory: device allocation 1");
}

TEST_CASE("planted bug: a kernel writes past the end of its operand") {
  check_has(message_of({},
                       [] {
                         const CudaStream stream;
                         const DeviceMemory y(kBytes);
                         launch_fill({.count = 2 * kCount, .value = 1.0f, .y = floats(y)}, stream.get());
                         stream.synchronize();
                       }),
            "kernel fill_kernel leaves device allocation 1 of 256 bytes, at byte 256");
}

TEST_CASE("planted bug: results used before anybody waited for them") {
  on_simulated_device({.policy = simulator::Policy::needed_only}, [] {
    const CudaStream stream;
    const DeviceMemory y(kBytes);
    const PinnedMemory result(kBytes);
    launch_fill({.count = kCount, .value = 1.0f, .y = floats(y)}, stream.get());
    check_cuda(cudaMemcpyAsync(result.data(), y.data(), kBytes, cudaMemcpyDeviceToHost, stream.get()),
               "copy");
    const float* const values = reinterpret_cast<const float*>(result.data());
    CHECK(values[0] != 1.0f);  // NaN still
    stream.synchronize();
    CHECK(values[0] == 1.0f);
  });
}

}  // namespace rlnas::test
