#include "kernels/cuda/cudnn_handle.h"

#include <numeric>

namespace rlnas {

CudnnHandle::CudnnHandle(GpuStream stream) {
  check_cudnn(cudnnCreate(&handle_), "starting cuDNN");
  const cudnnStatus_t status = cudnnSetStream(handle_, stream);
  if (status == CUDNN_STATUS_SUCCESS) return;
  cudnnDestroy(handle_);
  check_cudnn(status, "setting cuDNN's stream");
}

CudnnHandle::~CudnnHandle() {
  cudnnDestroy(handle_);
}

void CudnnHandle::execute(const CudnnPlan& plan, std::span<void* const> pointers, void* scratch,
                          const char* what) const {
  std::vector<std::int64_t> ids(pointers.size());
  std::iota(ids.begin(), ids.end(), std::int64_t{1});
  CudnnDescriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
  pack.set_all<std::int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, ids);
  pack.set_all<void*>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, std::vector(pointers.begin(), pointers.end()));
  pack.set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, scratch);
  pack.finalize("variant pack");
  check_cudnn(cudnnBackendExecute(handle_, plan.descriptor().get(), pack.get()), what);
}

}  // namespace rlnas
