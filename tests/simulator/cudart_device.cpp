// cudart: devices, versions and errors. The device is an H100 (SXM, 80 GB) by its published properties; see
// Options::presence for one that is missing.
#include <cstdio>

#include "tests/simulator/device_memory.h"
#include "tests/simulator/h100.h"
#include "tests/simulator/stream.h"

using namespace rlnas::simulator;

extern "C" {

cudaError_t cudaGetDeviceCount(int* count) {
  const Entry entry;
  cudaError_t error;
  *count = 0;
  if (entry.refused(error)) return error;
  *count = 1;
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
  const Entry entry;
  cudaError_t error;
  if (entry.refused(error)) return error;
  return report(device == 0 ? cudaSuccess : cudaErrorInvalidDevice);
}

cudaError_t cudaGetDevice(int* device) {
  const Entry entry;
  cudaError_t error;
  if (entry.refused(error)) return error;
  *device = 0;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  const Entry entry;
  cudaError_t error;
  if (entry.refused(error)) return error;
  if (device != 0) return report(cudaErrorInvalidDevice);
  *properties = {};
  std::snprintf(properties->name, sizeof(properties->name), "%s", h100::kName);
  properties->totalGlobalMem = state().options.memory_bytes;
  properties->major = h100::kMajor;
  properties->minor = h100::kMinor;
  properties->multiProcessorCount = h100::kMultiprocessors;
  properties->l2CacheSize = h100::kL2CacheBytes;
  properties->warpSize = h100::kWarp;
  properties->maxThreadsPerBlock = h100::kThreadsPerBlock;
  properties->maxThreadsPerMultiProcessor = h100::kThreadsPerMultiprocessor;
  properties->maxBlocksPerMultiProcessor = h100::kBlocksPerMultiprocessor;
  properties->regsPerBlock = properties->regsPerMultiprocessor = h100::kRegisters;
  properties->sharedMemPerBlock = h100::kSharedPerBlock;
  properties->sharedMemPerBlockOptin = h100::kSharedPerBlockOptin;
  properties->sharedMemPerMultiprocessor = h100::kSharedPerMultiprocessor;
  properties->asyncEngineCount = 3;
  properties->memoryBusWidth = h100::kMemoryBusBits;
  properties->unifiedAddressing = properties->concurrentKernels = 1;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  const Entry entry;
  cudaError_t error;
  if (entry.refused(error)) return error;
  if (device != 0) return report(cudaErrorInvalidDevice);
  switch (attribute) {
    case cudaDevAttrComputeCapabilityMajor:
      *value = h100::kMajor;
      break;
    case cudaDevAttrComputeCapabilityMinor:
      *value = h100::kMinor;
      break;
    case cudaDevAttrMultiProcessorCount:
      *value = h100::kMultiprocessors;
      break;
    case cudaDevAttrL2CacheSize:
      *value = h100::kL2CacheBytes;
      break;
    case cudaDevAttrMaxThreadsPerMultiProcessor:
      *value = h100::kThreadsPerMultiprocessor;
      break;
    case cudaDevAttrClockRate:
      *value = h100::kClockKhz;
      break;
    case cudaDevAttrMemoryClockRate:
      *value = h100::kMemoryClockKhz;
      break;
    case cudaDevAttrGlobalMemoryBusWidth:
      *value = h100::kMemoryBusBits;
      break;
    default:
      misuse("cudaDeviceGetAttribute: attribute " + std::to_string(int(attribute)) + " is not simulated");
  }
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = state().options.presence == Presence::no_driver ? 0 : CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize() {
  const Entry entry;
  cudaError_t error;
  if (entry.refused(error)) return error;
  if (scheduler().capturing()) return report(cudaErrorStreamCaptureUnsupported);
  scheduler().wait_for_all();
  return report(device_status());
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  const Entry entry;
  cudaError_t error;
  if (entry.refused(error)) return error;
  *total = state().options.memory_bytes;
  *free = *total - state().usage.device_bytes;
  return cudaSuccess;
}

cudaError_t cudaGetLastError() {
  const Entry entry;
  const cudaError_t error = state().last_error;
  state().last_error = state().sticky_error;
  return error;
}

cudaError_t cudaPeekAtLastError() {
  const Entry entry;
  return state().last_error;
}

const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "cudaSuccess";
    case cudaErrorInvalidValue:
      return "cudaErrorInvalidValue";
    case cudaErrorMemoryAllocation:
      return "cudaErrorMemoryAllocation";
    case cudaErrorInsufficientDriver:
      return "cudaErrorInsufficientDriver";
    case cudaErrorNoDevice:
      return "cudaErrorNoDevice";
    case cudaErrorInvalidDevice:
      return "cudaErrorInvalidDevice";
    case cudaErrorInvalidResourceHandle:
      return "cudaErrorInvalidResourceHandle";
    case cudaErrorNotReady:
      return "cudaErrorNotReady";
    case cudaErrorLaunchFailure:
      return "cudaErrorLaunchFailure";
    case cudaErrorLaunchOutOfResources:
      return "cudaErrorLaunchOutOfResources";
    case cudaErrorStreamCaptureUnsupported:
      return "cudaErrorStreamCaptureUnsupported";
    case cudaErrorStreamCaptureUnjoined:
      return "cudaErrorStreamCaptureUnjoined";
    case cudaErrorStreamCaptureIsolation:
      return "cudaErrorStreamCaptureIsolation";
    case cudaErrorIllegalState:
      return "cudaErrorIllegalState";
    default:
      return "unrecognized error code";
  }
}

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorInvalidValue:
      return "invalid argument";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorInsufficientDriver:
      return "CUDA driver version is insufficient for CUDA runtime version";
    case cudaErrorNoDevice:
      return "no CUDA-capable device is detected";
    case cudaErrorInvalidDevice:
      return "invalid device ordinal";
    case cudaErrorLaunchFailure:
      return "unspecified launch failure";
    case cudaErrorLaunchOutOfResources:
      return "too many resources requested for launch";
    default:
      return cudaGetErrorName(error);
  }
}

}  // extern "C"
