#include "kernels/cuda/cublas_gemm.h"

namespace rlnas {
namespace {

void check_cublas(cublasStatus_t status, const char* what) {
  RLNAS_CHECK(status == CUBLAS_STATUS_SUCCESS, device, "cuBLAS: ", what, ": ", cublasGetStatusString(status));
}

// Pedantic: no algorithm that is not plain fp32 arithmetic.
cublasComputeType_t compute_of(Precision precision) {
  switch (precision) {
    case Precision::fp32:
      break;
    case Precision::tf32:
      return CUBLAS_COMPUTE_32F_FAST_TF32;
    case Precision::bf16:
      return CUBLAS_COMPUTE_32F_FAST_16BF;
  }
  return CUBLAS_COMPUTE_32F_PEDANTIC;
}

cublasOperation_t operation(bool transposed) {
  return transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
}

}  // namespace

CublasGemm::CublasGemm(Precision precision, GpuStream stream, Workspace workspace)
    : compute_(compute_of(precision)) {
  check_cublas(cublasCreate(&handle_), "starting");
  // In this order: setting the stream forgets the workspace.
  cublasStatus_t status = cublasSetStream(handle_, stream);
  if (status == CUBLAS_STATUS_SUCCESS && workspace.data != nullptr)
    status = cublasSetWorkspace(handle_, workspace.data, workspace.bytes);
  if (status == CUBLAS_STATUS_SUCCESS) return;
  cublasDestroy(handle_);
  check_cublas(status, "setting stream and workspace");
}

CublasGemm::~CublasGemm() {
  cublasDestroy(handle_);
}

void CublasGemm::multiply(const Gemm& gemm, const float* a, const float* b, float* c, Store store) {
  const float one = 1.0f, keep = store == Store::accumulate ? 1.0f : 0.0f;
  check_cublas(cublasGemmEx(handle_, operation(gemm.a_transposed), operation(gemm.b_transposed), gemm.m,
                            gemm.n, gemm.k, &one, a, CUDA_R_32F, gemm.lda, b, CUDA_R_32F, gemm.ldb, &keep, c,
                            CUDA_R_32F, gemm.ldc, compute_, CUBLAS_GEMM_DEFAULT),
               "matrix product");
}

}  // namespace rlnas
