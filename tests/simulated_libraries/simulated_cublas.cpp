// cuBLAS on a device that is not there: handles, and the one matrix product that the backend asks for,
// carried out on the host as cuBLAS documents it. A program that links this file needs no libcublas.
#include <cublas_v2.h>

#include "tests/emulation/emulator.h"

struct cublasContext {
  cudaStream_t stream = nullptr;
};

cublasStatus_t cublasCreate_v2(cublasHandle_t* handle) {
  *handle = new cublasContext;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) {
  delete handle;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream) {
  handle->stream = stream;
  return CUBLAS_STATUS_SUCCESS;
}

const char* cublasGetStatusString(cublasStatus_t status) {
  return status == CUBLAS_STATUS_SUCCESS ? "CUBLAS_STATUS_SUCCESS" : "CUBLAS_STATUS_NOT_SUPPORTED";
}

// Float in and out; sums in double, rounded once, whatever the compute type.
cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb, int m,
                            int n, int k, const void* alpha, const void* A, cudaDataType Atype, int lda,
                            const void* B, cudaDataType Btype, int ldb, const void* beta, void* C,
                            cudaDataType Ctype, int ldc, cublasComputeType_t, cublasGemmAlgo_t) {
  if (Atype != CUDA_R_32F || Btype != CUDA_R_32F || Ctype != CUDA_R_32F ||
      *static_cast<const float*>(alpha) != 1.0f || *static_cast<const float*>(beta) != 0.0f)
    return CUBLAS_STATUS_NOT_SUPPORTED;
  rlnas::emulation::executor()(handle->stream, [=, a = static_cast<const float*>(A),
                                                b = static_cast<const float*>(B),
                                                c = static_cast<float*>(C)] {
    for (int j = 0; j < n; ++j)
      for (int i = 0; i < m; ++i) {
        double sum = 0.0;
        for (int l = 0; l < k; ++l)
          sum += double(a[transa == CUBLAS_OP_N ? i + std::int64_t(l) * lda : l + std::int64_t(i) * lda]) *
                 double(b[transb == CUBLAS_OP_N ? l + std::int64_t(j) * ldb : j + std::int64_t(l) * ldb]);
        c[i + std::int64_t(j) * ldc] = float(sum);
      }
  });
  return CUBLAS_STATUS_SUCCESS;
}
