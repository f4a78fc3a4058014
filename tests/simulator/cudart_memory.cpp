// cudart: memory and copies. As documented under "API synchronization behavior" of the CUDA runtime: a copy
// from pageable memory has read it when the call returns, a copy to pageable memory has arrived, and one that
// touches pinned memory is really late: it reads and writes when the stream gets there.
#include <cstring>
#include <memory>
#include <vector>

#include "tests/simulator/device_memory.h"
#include "tests/simulator/stream.h"

using namespace rlnas::simulator;

namespace {

// Also what stays fixed of a node: an update cannot turn one into another.
constexpr const char *kToDevice = "copy to the device", *kToHost = "copy to the host",
                     *kOnDevice = "copy on the device", *kSet = "cudaMemsetAsync";

bool on_device(const void* from, std::size_t bytes, const char* what) {
  return device_memory().holds(MemoryKind::device, from, bytes, what);
}
bool pinned(const void* from, std::size_t bytes, const char* what) {
  return device_memory().holds(MemoryKind::pinned, from, bytes, what);
}

cudaError_t allocate(MemoryKind kind, Call call, void** block, std::size_t bytes) {
  const Entry entry;
  cudaError_t error;
  *block = nullptr;
  if (entry.refused(error, call, cudaErrorMemoryAllocation)) return error;
  error = scheduler().refuse_in_captures(Scheduler::Forbidden::unless_relaxed);
  if (error != cudaSuccess) return error;
  if (bytes == 0) return cudaSuccess;
  *block = device_memory().allocate(kind, bytes);
  return report(*block == nullptr ? cudaErrorMemoryAllocation : cudaSuccess);
}

// Waits for all work, as the real calls do, and gives the memory back even on a device that failed.
cudaError_t release(MemoryKind kind, void* block) {
  const Entry entry;
  if (block == nullptr) return report(device_status());
  const cudaError_t error = scheduler().refuse_in_captures(Scheduler::Forbidden::unless_relaxed);
  if (error != cudaSuccess) return error;
  scheduler().wait_for_all();
  if (!device_memory().release(kind, block)) return report(cudaErrorInvalidValue);
  return report(device_status());
}

WorkNote note_of_copy(WorkKind kind, const char* name, std::size_t bytes) {
  return note_of([&] {
    const bool reads = kind == WorkKind::copy_to_host || kind == WorkKind::copy_on_device;
    const bool writes = kind != WorkKind::copy_to_host;
    return Work{.kind = kind, .name = name, .cost = {reads ? bytes : 0, writes ? bytes : 0, 0}};
  });
}

cudaError_t copy_to_device(void* to, const void* from, std::size_t bytes, cudaStream_t stream) {
  if (pinned(from, bytes, kToDevice)) {
    ++state().usage.copies_from_pinned;
    return enqueue(
        stream, kToDevice, [=] { std::memcpy(to, from, bytes); }, kToDevice,
        note_of_copy(WorkKind::copy_to_device, kToDevice, bytes));
  }
  if (stream->capture != nullptr) return refuse_in_capture(*stream->capture);
  const char* const first = static_cast<const char*>(from);
  const auto staged = std::make_shared<std::vector<char>>(first, first + bytes);
  return enqueue(
      stream, kToDevice, [=] { std::memcpy(to, staged->data(), bytes); }, kKernelNode,
      note_of_copy(WorkKind::copy_to_device, kToDevice, bytes));
}

cudaError_t copy_to_host(void* to, const void* from, std::size_t bytes, cudaStream_t stream) {
  const bool late = pinned(to, bytes, kToHost);
  if (!late && stream->capture != nullptr) return refuse_in_capture(*stream->capture);
  const cudaError_t error = enqueue(
      stream, kToHost, [=] { std::memcpy(to, from, bytes); }, kToHost,
      note_of_copy(WorkKind::copy_to_host, kToHost, bytes));
  if (error != cudaSuccess) return error;
  if (!late) scheduler().wait(stream);
  return report(device_status());
}

}  // namespace

extern "C" {

cudaError_t cudaMalloc(void** block, std::size_t bytes) {
  return allocate(MemoryKind::device, Call::allocate, block, bytes);
}
cudaError_t cudaFree(void* block) {
  return release(MemoryKind::device, block);
}
cudaError_t cudaHostAlloc(void** block, std::size_t bytes, unsigned) {
  return allocate(MemoryKind::pinned, Call::allocate_host, block, bytes);
}
cudaError_t cudaFreeHost(void* block) {
  return release(MemoryKind::pinned, block);
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  const Entry entry;
  cudaError_t error;
  if (entry.refused(error, Call::copy, cudaErrorInvalidValue)) return error;
  require_stream(stream, "cudaMemcpyAsync");
  if (bytes == 0) return cudaSuccess;
  const bool to_device = on_device(to, bytes, kToDevice),
             from_device = on_device(from, bytes, "copy from the device");
  switch (kind) {
    case cudaMemcpyHostToDevice:
      if (!to_device || from_device) return report(cudaErrorInvalidValue);
      return copy_to_device(to, from, bytes, stream);
    case cudaMemcpyDeviceToHost:
      if (to_device || !from_device) return report(cudaErrorInvalidValue);
      return copy_to_host(to, from, bytes, stream);
    case cudaMemcpyDeviceToDevice:
      if (!to_device || !from_device) return report(cudaErrorInvalidValue);
      return enqueue(
          stream, kOnDevice, [=] { std::memcpy(to, from, bytes); }, kOnDevice,
          note_of_copy(WorkKind::copy_on_device, kOnDevice, bytes));
    default:
      misuse("cudaMemcpyAsync: say the direction of the copy");
  }
}

cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t stream) {
  const Entry entry;
  cudaError_t error;
  if (entry.refused(error, Call::copy, cudaErrorInvalidValue)) return error;
  require_stream(stream, "cudaMemsetAsync");
  if (bytes == 0) return cudaSuccess;
  if (!on_device(to, bytes, kSet)) return report(cudaErrorInvalidValue);
  return enqueue(
      stream, kSet, [=] { std::memset(to, value, bytes); }, kSet, note_of_copy(WorkKind::set, kSet, bytes));
}

// The synchronous forms use the legacy default stream.
cudaError_t cudaMemcpy(void*, const void*, std::size_t, cudaMemcpyKind) {
  misuse("cudaMemcpy on the default stream");
}
cudaError_t cudaMemset(void*, int, std::size_t) {
  misuse("cudaMemset on the default stream");
}

}  // extern "C"
