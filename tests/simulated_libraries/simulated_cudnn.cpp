#include "tests/simulated_libraries/simulated_cudnn.h"

#include <cudnn.h>
#include <dlfcn.h>

#include <cstring>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <vector>

#include "tests/emulation/emulator.h"
#include "tests/simulated_libraries/host_conv.h"

struct cudnnContext {
  cudaStream_t stream = nullptr;
};

namespace rlnas::simulation {
namespace {

// What was put into a variant pack; cuDNN does not give it back.
struct Pack {
  std::vector<std::int64_t> ids;
  std::vector<void*> pointers;
  void* workspace = nullptr;
};

std::mutex packs_mutex;
std::map<cudnnBackendDescriptor_t, Pack> packs;

template <class T>
std::vector<T> copy_of(const void* values, std::int64_t count) {
  const T* const first = static_cast<const T*>(values);
  return {first, first + count};
}

void record(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name, std::int64_t count,
            const void* values) {
  const std::lock_guard lock(packs_mutex);
  if (name == CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS)
    packs[descriptor].ids = copy_of<std::int64_t>(values, count);
  if (name == CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS)
    packs[descriptor].pointers = copy_of<void*>(values, count);
  if (name == CUDNN_ATTR_VARIANT_PACK_WORKSPACE)
    packs[descriptor].workspace = *static_cast<void* const*>(values);
}

// libcudnn's own function of that name.
template <class Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

nlohmann::json plan_json(cudnnBackendDescriptor_t plan) {
  std::int64_t size = 0;
  cudnnBackendGetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, 0, &size,
                           nullptr);
  std::string text(std::size_t(size), '\0');
  cudnnBackendGetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, size, &size,
                           text.data());
  return nlohmann::json::parse(text);
}

std::size_t workspace_bytes(cudnnBackendDescriptor_t plan) {
  std::int64_t bytes = 0, one = 0;
  cudnnBackendGetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1, &one, &bytes);
  return std::size_t(bytes);
}

}  // namespace

std::string& cudnn_device_properties() {
  static std::string json;
  return json;
}

}  // namespace rlnas::simulation

using namespace rlnas::simulation;

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
  *handle = new cudnnContext;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
  delete handle;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  handle->stream = stream;
  return CUDNN_STATUS_SUCCESS;
}

// Device 0 is the described one: cuDNN itself would ask the driver.
cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, std::int64_t count,
                                       const void* values) {
  static auto* const forward = real<decltype(cudnnBackendSetAttribute)>("cudnnBackendSetAttribute");
  if (name == CUDNN_ATTR_DEVICEPROP_DEVICE_ID) {
    if (*static_cast<const std::int32_t*>(values) != 0) return CUDNN_STATUS_BAD_PARAM;
    const std::string& json = cudnn_device_properties();
    return forward(descriptor, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR,
                   std::int64_t(json.size()), json.data());
  }
  record(descriptor, name, count, values);
  return forward(descriptor, name, type, count, values);
}

cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor) {
  static auto* const forward = real<decltype(cudnnBackendDestroyDescriptor)>("cudnnBackendDestroyDescriptor");
  {
    const std::lock_guard lock(packs_mutex);
    packs.erase(descriptor);
  }
  return forward(descriptor);
}

cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan,
                                  cudnnBackendDescriptor_t variant_pack) {
  HostConv conv = HostConv::of_plan(plan_json(plan));
  Pack pack;
  {
    const std::lock_guard lock(packs_mutex);
    pack = packs[variant_pack];
  }
  for (HostTensor* const tensor : {&conv.x, &conv.w, &conv.y})
    for (std::size_t i = 0; i < pack.ids.size(); ++i)
      if (pack.ids[i] == tensor->id) tensor->data = pack.pointers[i];
  const std::size_t scratch_bytes = workspace_bytes(plan);
  if (conv.x.data == nullptr || conv.w.data == nullptr || conv.y.data == nullptr ||
      (scratch_bytes > 0 && pack.workspace == nullptr))
    return CUDNN_STATUS_BAD_PARAM_NULL_POINTER;
  rlnas::emulation::executor()(handle->stream, [conv, scratch = pack.workspace, scratch_bytes] {
    // As if an engine used its workspace: whatever else lies there is lost.
    if (scratch_bytes > 0) std::memset(scratch, 0xFF, scratch_bytes);
    conv.run();
  });
  return CUDNN_STATUS_SUCCESS;
}
