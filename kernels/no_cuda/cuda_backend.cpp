// The CUDA backend of a build that has none.
#include "kernels/backend.h"

namespace rlnas {

std::unique_ptr<Backend> make_cuda_backend(const CudaOptions&) {
  fail(ErrorCode::device, "this build has no CUDA backend; use --device cpu");
}

}  // namespace rlnas
