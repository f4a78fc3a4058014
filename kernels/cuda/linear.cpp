// The classifier: cuBLAS for its three products, two small kernels for the bias.
#include "kernels/cuda/cublas_gemm.h"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/cuda_device.h"
#include "kernels/cuda/linear_bias.h"
#include "kernels/spec_checks.h"

namespace rlnas {

void CudaBackend::run(const LinearForward& call, Workspace) {
  check_spec(call.spec);
  device_->gemm->multiply(linear_forward_gemm(call.spec), call.w, call.x, call.y);
  if (call.bias != nullptr) add_bias(call.spec, call.bias, call.y, stream_);
}

void CudaBackend::run(const LinearBackwardData& call, Workspace) {
  check_spec(call.spec);
  device_->gemm->multiply(linear_backward_data_gemm(call.spec), call.w, call.dy, call.dx);
}

void CudaBackend::run(const LinearBackwardWeights& call, Workspace) {
  check_spec(call.spec);
  device_->gemm->multiply(linear_backward_weights_gemm(call.spec), call.x, call.dy, call.dw);
  if (call.dbias != nullptr) bias_gradient(call.spec, call.dy, call.dbias, stream_);
}

}  // namespace rlnas
