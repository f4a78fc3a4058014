#include "kernels/cuda/cudnn_handle.h"

#include <numeric>
#include <string>

namespace rlnas {
namespace {

constexpr std::size_t kMostPacks = 4096;

std::string version_text(std::size_t version) {
  return std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100) + "." +
         std::to_string(version % 100);
}

// Newer ones are compatible; of older ones those that differ in the last number.
void check_version() {
  const std::size_t found = cudnnGetVersion();
  RLNAS_CHECK(found / 100 >= CUDNN_VERSION / 100, device, "cuDNN ", version_text(found),
              " was found, this build needs ", version_text(CUDNN_VERSION),
              " or later; put its folder first in LD_LIBRARY_PATH, or use --device cpu");
}

}  // namespace

CudnnHandle::CudnnHandle(GpuStream stream) {
  check_version();
  check_cudnn(cudnnCreate(&handle_), "starting cuDNN");
  const cudnnStatus_t status = cudnnSetStream(handle_, stream);
  if (status == CUDNN_STATUS_SUCCESS) return;
  cudnnDestroy(handle_);
  check_cudnn(status, "setting cuDNN's stream");
}

CudnnHandle::~CudnnHandle() {
  cudnnDestroy(handle_);
}

const CudnnDescriptor& CudnnHandle::pack_of(std::span<void* const> pointers, void* scratch) {
  std::vector<void*> key(pointers.begin(), pointers.end());
  key.push_back(scratch);
  if (const auto found = packs_.find(key); found != packs_.end()) return found->second;
  std::vector<std::int64_t> ids(pointers.size());
  std::iota(ids.begin(), ids.end(), std::int64_t{1});
  CudnnDescriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
  pack.set_all<std::int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, ids);
  pack.set_all<void*>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, std::vector(pointers.begin(), pointers.end()));
  pack.set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, scratch);
  pack.finalize("variant pack");
  if (packs_.size() >= kMostPacks) packs_.clear();  // paths differ, and their addresses
  return packs_.emplace(std::move(key), std::move(pack)).first->second;
}

void CudnnHandle::execute(const CudnnPlan& plan, std::span<void* const> pointers, void* scratch,
                          const char* what) {
  const CudnnDescriptor& pack = pack_of(pointers, scratch);
  check_cudnn(cudnnBackendExecute(handle_, plan.descriptor().get(), pack.get()), what);
}

}  // namespace rlnas
