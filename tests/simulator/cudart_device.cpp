// cudart: devices and errors.
#include "tests/simulator/device_memory.h"
#include "tests/simulator/device_properties.h"
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

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  const Entry entry;
  cudaError_t error;
  if (entry.refused(error)) return error;
  if (device != 0) return report(cudaErrorInvalidDevice);
  *properties = device_properties().cuda();
  return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize() {
  const Entry entry;
  cudaError_t error;
  if (entry.refused(error)) return error;
  error = scheduler().refuse_in_captures(Scheduler::Forbidden::in_any_capture);
  if (error != cudaSuccess) return error;
  scheduler().wait_for_all();
  return report(device_status());
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  const Entry entry;
  cudaError_t error;
  if (entry.refused(error)) return error;
  *total = memory_bytes();
  *free = *total - state().usage.device_bytes;
  return cudaSuccess;
}

cudaError_t cudaGetLastError() {
  const Entry entry;
  const cudaError_t error = state().last_error;
  state().last_error = state().sticky_error;
  return error;
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
    case cudaErrorInvalidResourceHandle:
      return "invalid resource handle";
    case cudaErrorNoKernelImageForDevice:
      return "no kernel image is available for execution on the device";
    case cudaErrorLaunchFailure:
      return "unspecified launch failure";
    case cudaErrorLaunchOutOfResources:
      return "too many resources requested for launch";
    case cudaErrorStreamCaptureUnsupported:
      return "operation not permitted when stream is capturing";
    case cudaErrorStreamCaptureInvalidated:
      return "operation failed due to a previous error during capture";
    default:
      return "unrecognized error code";
  }
}

}  // extern "C"
