// Matrix products through cuBLAS on one stream. Deterministic: one stream a handle and no atomics, for which
// cuBLAS promises the same bits in every run on the same device.
#pragma once

#include <cublas_v2.h>

#include "kernels/backend.h"
#include "kernels/cuda/gemm.h"
#include "kernels/cuda/gpu_stream.h"

namespace rlnas {

class CublasGemm {
 public:
  // On the current CUDA device. Errors: device when cuBLAS cannot be started.
  CublasGemm(Precision precision, GpuStream stream);
  ~CublasGemm();
  CublasGemm(const CublasGemm&) = delete;
  CublasGemm& operator=(const CublasGemm&) = delete;

  // c is overwritten. Async on the stream.
  void multiply(const Gemm& gemm, const float* a, const float* b, float* c);

 private:
  cublasComputeType_t compute_;
  cublasHandle_t handle_ = nullptr;
};

}  // namespace rlnas
