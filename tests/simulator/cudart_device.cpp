// cudart: devices and errors. Several devices are alike, and a thread uses one of them.
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "tests/simulator/device_memory.h"
#include "tests/simulator/device_properties.h"
#include "tests/simulator/stream.h"

using namespace rlnas::simulator;

namespace {

// Numbers of the machine's devices that this process sees, in its order: those of CUDA_VISIBLE_DEVICES up to
// the first that is none.
std::vector<int> visible_devices() {
  std::vector<int> visible;
  const int devices = state().options.devices;
  const char* const chosen = std::getenv("CUDA_VISIBLE_DEVICES");
  if (chosen == nullptr) {
    for (int device = 0; device < devices; ++device) visible.push_back(device);
    return visible;
  }
  std::istringstream numbers(chosen);
  for (std::string number; std::getline(numbers, number, ',');) {
    if (number.empty() || number.find_first_not_of("0123456789") != std::string::npos) break;
    if (std::atoi(number.c_str()) >= devices) break;
    visible.push_back(std::atoi(number.c_str()));
  }
  return visible;
}

bool is_visible(int device) {
  return device >= 0 && device < int(visible_devices().size());
}

}  // namespace

extern "C" {

cudaError_t cudaGetDeviceCount(int* count) {
  const Entry entry;
  cudaError_t error;
  *count = 0;
  if (entry.refused(error, Call::device, cudaErrorUnknown)) return error;
  *count = int(visible_devices().size());
  return report(*count > 0 ? cudaSuccess : cudaErrorNoDevice);
}

cudaError_t cudaSetDevice(int device) {
  const Entry entry;
  cudaError_t error;
  if (entry.refused(error, Call::device, cudaErrorUnknown)) return error;
  if (!is_visible(device)) return report(cudaErrorInvalidDevice);
  current_device() = visible_devices()[std::size_t(device)];
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  const Entry entry;
  cudaError_t error;
  if (entry.refused(error, Call::device, cudaErrorUnknown)) return error;
  if (!is_visible(device)) return report(cudaErrorInvalidDevice);
  *properties = device_properties().cuda();
  properties->uuid.bytes[0] = char(1 + visible_devices()[std::size_t(device)]);
  return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize() {
  const Entry entry;
  cudaError_t error;
  if (entry.refused(error, Call::wait, cudaErrorUnknown)) return error;
  error = scheduler().refuse_in_captures(Scheduler::Forbidden::in_any_capture);
  if (error != cudaSuccess) return error;
  scheduler().wait_for_all();
  return report(device_status());
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  const Entry entry;
  cudaError_t error;
  if (entry.refused(error, Call::device, cudaErrorUnknown)) return error;
  *total = memory_bytes();
  *free = *total - state().usage.device_bytes;
  return cudaSuccess;
}

cudaError_t cudaGetLastError() {
  const Entry entry;
  const cudaError_t error = errors().last;
  errors().last = errors().sticky;
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
