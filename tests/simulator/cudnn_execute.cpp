// cuDNN: handles and execution, which need a device and so are simulated whole.
#include <set>

#include "tests/simulator/cudnn_note.h"
#include "tests/simulator/device_memory.h"
#include "tests/simulator/stream.h"

using namespace rlnas::simulator;

struct cudnnContext {
  cudaStream_t stream = nullptr;  // the default stream, until one is set
};

namespace {

constexpr int kScribble = 0xFF;  // NaN

std::set<cudnnHandle_t>& handles() {
  static auto* const handles = new std::set<cudnnHandle_t>;
  return *handles;
}

bool usable(const GraphTensor& tensor, const void* data) {
  if (reinterpret_cast<std::uintptr_t>(data) % std::uintptr_t(tensor.alignment) != 0)
    misuse("cuDNN tensor " + std::to_string(tensor.id) + " is not aligned to " +
           std::to_string(tensor.alignment) + " bytes, as its descriptor says");
  return device_memory().holds(MemoryKind::device, data, tensor.bytes(),
                               "cuDNN tensor " + std::to_string(tensor.id));
}

std::size_t workspace_bytes(cudnnBackendDescriptor_t plan) {
  std::int64_t bytes = 0, count = 0;
  RLNAS_REAL_CUDNN(cudnnBackendGetAttribute)
  (plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1, &count, &bytes);
  return std::size_t(bytes);
}

std::vector<GraphTensor> tensors_of(const Convolution& convolution) {
  return {convolution.x, convolution.w, convolution.y};
}
std::vector<GraphTensor> tensors_of(const NormPool& operation) {
  return operation.tensors;
}

// The number that the call brings along, read now, as the real library does; nothing where it is missing.
std::optional<double> epsilon_of(const Computation& computation, const std::map<std::int64_t, void*>& data) {
  const auto* const norm = std::get_if<NormPool>(&computation);
  if (norm == nullptr || norm->epsilon_id == 0) return 0.0;
  const auto found = data.find(norm->epsilon_id);
  if (found == data.end() || found->second == nullptr) return std::nullopt;
  return *static_cast<const float*>(found->second);
}

}  // namespace

extern "C" {

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
  const Entry entry;
  *handle = nullptr;
  if (device_status() != cudaSuccess || fails(Call::cudnn)) return CUDNN_STATUS_NOT_INITIALIZED;
  *handle = new cudnnContext;
  handles().insert(*handle);
  ++state().usage.handles;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
  const Entry entry;
  if (handles().erase(handle) == 0) return CUDNN_STATUS_BAD_PARAM;
  delete handle;
  --state().usage.handles;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  const Entry entry;
  if (!handles().contains(handle)) return CUDNN_STATUS_BAD_PARAM;
  if (device_status() != cudaSuccess || fails(Call::cudnn)) return CUDNN_STATUS_MAPPING_ERROR;
  require_stream(stream, "cudnnSetStream");
  handle->stream = stream;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan,
                                  cudnnBackendDescriptor_t pack) {
  const Entry entry;
  if (!handles().contains(handle)) return CUDNN_STATUS_BAD_PARAM;
  if (device_status() != cudaSuccess || fails(Call::cudnn)) return CUDNN_STATUS_EXECUTION_FAILED;
  const DescriptorRecord& plan_record = record_of(plan);
  const DescriptorRecord& pack_record = record_of(pack);
  if (!plan_record.finalized || !pack_record.finalized) return CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED;
  if (!plan_record.computation) misuse("cudnnBackendExecute: this operation is not simulated");
  const Computation& computation = *plan_record.computation;

  const auto ids = pack_record.values<std::int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
  const auto pointers = pack_record.values<void*>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);
  std::map<std::int64_t, void*> data;
  for (std::size_t i = 0; i < ids.size() && i < pointers.size(); ++i) data[ids[i]] = pointers[i];
  std::vector<void*> memory;
  for (const GraphTensor& tensor : std::visit([](const auto& of) { return tensors_of(of); }, computation)) {
    if (!data.contains(tensor.id) || !usable(tensor, data[tensor.id])) return CUDNN_STATUS_BAD_PARAM;
    memory.push_back(data[tensor.id]);
  }
  const std::optional<double> epsilon = epsilon_of(computation, data);
  if (!epsilon) return CUDNN_STATUS_BAD_PARAM;

  void* const workspace = pack_record.value<void*>(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, nullptr);
  const std::size_t bytes = workspace_bytes(plan);
  if (bytes > 0 && !device_memory().holds(MemoryKind::device, workspace, bytes, "cuDNN workspace"))
    return CUDNN_STATUS_BAD_PARAM;

  // Another plan is other kernels.
  const std::string fixed = "cuDNN plan " + std::to_string(reinterpret_cast<std::uintptr_t>(plan));
  const cudaError_t queued = enqueue(
      handle->stream, "cuDNN operation",
      [=] {
        // A real engine leaves its intermediate results there.
        if (bytes > 0) std::memset(workspace, kScribble, bytes);
        if (const auto* const convolution = std::get_if<Convolution>(&computation))
          run(*convolution, memory[0], memory[1], memory[2]);
        else
          run(std::get<NormPool>(computation), memory, *epsilon);
      },
      fixed, note_of([&] { return work_of(plan, computation, bytes); }));
  return queued == cudaSuccess ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_EXECUTION_FAILED;
}

}  // extern "C"
