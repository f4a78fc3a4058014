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

cudaDataType_t type_of(Element element) {
  return element == Element::bf16 ? CUDA_R_16BF : CUDA_R_32F;
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

void CublasGemm::multiply(const Gemm& gemm, ConstValues a, ConstValues b, Values c, Store store) {
  const float one = 1.0f, keep = store == Store::accumulate ? 1.0f : 0.0f;
  const cublasComputeType_t compute = a.element() == Element::bf16 ? CUBLAS_COMPUTE_32F : compute_;
  check_cublas(
      cublasGemmEx(handle_, operation(gemm.a_transposed), operation(gemm.b_transposed), gemm.m, gemm.n,
                   gemm.k, &one, a.data(), type_of(a.element()), gemm.lda, b.data(), type_of(b.element()),
                   gemm.ldb, &keep, c.data(), type_of(c.element()), gemm.ldc, compute, CUBLAS_GEMM_DEFAULT),
      "matrix product");
}

}  // namespace rlnas
