#include "tests/cuda_static/occupancy.h"

#include <cuda_occupancy.h>

#include <stdexcept>

namespace rlnas::test {
namespace {

// CUDA C++ programming guide, technical specifications per compute capability (8.0 and 9.0).
cudaOccDeviceProp properties_of(Gpu gpu) {
  cudaOccDeviceProp properties;
  properties.computeMajor = gpu == Gpu::h100 ? 9 : 8;
  properties.computeMinor = 0;
  properties.maxThreadsPerBlock = 1024;
  properties.maxThreadsPerMultiprocessor = 2048;
  properties.regsPerBlock = 65536;
  properties.regsPerMultiprocessor = 65536;
  properties.warpSize = 32;
  properties.sharedMemPerBlock = 48 << 10;
  properties.sharedMemPerMultiprocessor = (gpu == Gpu::h100 ? 228u : 164u) << 10;
  properties.numSms = gpu == Gpu::h100 ? 132 : 108;
  properties.sharedMemPerBlockOptin = (gpu == Gpu::h100 ? 227u : 163u) << 10;
  properties.reservedSharedMemPerBlock = 1 << 10;
  return properties;
}

}  // namespace

Occupancy occupancy_of(Gpu gpu, const KernelResources& kernel, int block_threads) {
  const cudaOccDeviceProp properties = properties_of(gpu);
  cudaOccFuncAttributes attributes;
  attributes.maxThreadsPerBlock = block_threads;
  attributes.numRegs = kernel.registers;
  attributes.sharedSizeBytes = std::size_t(kernel.shared_bytes);
  attributes.partitionedGCConfig = PARTITIONED_GC_OFF;
  const cudaOccDeviceState state;
  cudaOccResult result;
  if (cudaOccMaxActiveBlocksPerMultiprocessor(&result, &properties, &attributes, &state, block_threads, 0) !=
      CUDA_OCC_SUCCESS)
    throw std::runtime_error("cuda_occupancy.h refuses the kernel");
  const int blocks = result.activeBlocksPerMultiprocessor, threads = blocks * block_threads;
  return {blocks, threads, double(threads) / properties.maxThreadsPerMultiprocessor};
}

}  // namespace rlnas::test
