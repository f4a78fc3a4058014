// The classifier: cuBLAS for its three products, two small kernels for the bias.
#include "kernels/cuda/cublas_gemm.h"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/cuda_device.h"
#include "kernels/cuda/linear_bias.h"
#include "kernels/spec_checks.h"

namespace rlnas {

void CudaBackend::linear_forward(const LinearSpec& spec, const float* x, const float* w, const float* bias,
                                 float* y) {
  check_spec(spec);
  device_->gemm->multiply(linear_forward_gemm(spec), w, x, y);
  if (bias != nullptr) add_bias(spec, bias, y, stream_);
}

void CudaBackend::linear_backward_data(const LinearSpec& spec, const float* dy, const float* w, float* dx) {
  check_spec(spec);
  device_->gemm->multiply(linear_backward_data_gemm(spec), w, dy, dx);
}

void CudaBackend::linear_backward_weights(const LinearSpec& spec, const float* x, const float* dy, float* dw,
                                          float* dbias) {
  check_spec(spec);
  device_->gemm->multiply(linear_backward_weights_gemm(spec), x, dy, dw);
  if (dbias != nullptr) bias_gradient(spec, dy, dbias, stream_);
}

}  // namespace rlnas
