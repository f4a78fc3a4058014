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
  // NVIDIA's advice for Hopper, the device that wants most.
  static constexpr std::size_t kWorkspaceBytes = std::size_t{32} << 20;

  // On the current CUDA device. `workspace`: scratch memory of the device, kept by the caller, without which
  // cuBLAS takes its own; while a stream is captured that would make allocations part of the graph.
  // Errors: device when cuBLAS cannot be started.
  CublasGemm(Precision precision, GpuStream stream, Workspace workspace = {});
  ~CublasGemm();
  CublasGemm(const CublasGemm&) = delete;
  CublasGemm& operator=(const CublasGemm&) = delete;

  // a and b of one type; bf16 ones are multiplied as they are, whatever the precision. Async on the stream.
  void multiply(const Gemm& gemm, ConstValues a, ConstValues b, Values c, Store store = Store::overwrite);

 private:
  cublasComputeType_t compute_;
  cublasHandle_t handle_ = nullptr;
};

}  // namespace rlnas
