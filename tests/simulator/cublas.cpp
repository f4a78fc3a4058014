// cuBLAS: the calls of the classifier and of 1x1 convolutions. Products are plain loops in double, rounded
// once.
#include <cublas_v2.h>

#include <set>
#include <sstream>
#include <vector>

#include "rlnas/values.hpp"
#include "tests/simulator/device_memory.h"
#include "tests/simulator/stream.h"

using namespace rlnas::simulator;

struct cublasContext {
  cudaStream_t stream = nullptr;  // the default stream, until one is set
  void* workspace = nullptr;      // the caller's, if any
};

namespace {

constexpr std::uintptr_t kWorkspaceAlignment = 256;  // as documented

std::set<cublasHandle_t>& handles() {
  static auto* const handles = new std::set<cublasHandle_t>;
  return *handles;
}

// Column-major, `stride` elements from one column to the next.
struct Matrix {
  rlnas::ConstValues data;
  int rows, columns, stride;
  bool transposed;

  Matrix(const void* from, cudaDataType type, cublasOperation_t operation, int m, int n, int ld)
      : data(from, type == CUDA_R_16BF ? rlnas::Element::bf16 : rlnas::Element::f32),
        rows(operation == CUBLAS_OP_N ? m : n),
        columns(operation == CUBLAS_OP_N ? n : m),
        stride(ld),
        transposed(operation != CUBLAS_OP_N) {}

  std::size_t bytes() const {
    return (std::size_t(columns - 1) * std::size_t(stride) + std::size_t(rows)) * size_of(data.element());
  }
  double at(int row, int column) const {
    if (transposed) std::swap(row, column);
    const std::size_t place = std::size_t(column) * std::size_t(stride) + std::size_t(row);
    return double(data.element() == rlnas::Element::bf16 ? float_of(data.as<rlnas::Bf16>()[place])
                                                         : data.as<float>()[place]);
  }
};

bool usable(const Matrix& matrix) {
  return matrix.stride >= matrix.rows && device_memory().holds(MemoryKind::device, matrix.data.data(),
                                                               matrix.bytes(), "cuBLAS matrix product");
}

void multiply(int k, float alpha, const Matrix& a, const Matrix& b, float beta, const Matrix& c) {
  void* const out = const_cast<void*>(c.data.data());
  for (int column = 0; column < c.columns; ++column)
    for (int row = 0; row < c.rows; ++row) {
      double sum = 0.0;
      for (int i = 0; i < k; ++i) sum += a.at(row, i) * b.at(i, column);
      const double kept = beta == 0.0f ? 0.0 : double(beta) * c.at(row, column);  // 0 * NaN is not read
      const std::size_t place = std::size_t(column) * std::size_t(c.stride) + std::size_t(row);
      const float value = float(double(alpha) * sum + kept);
      if (c.data.element() == rlnas::Element::bf16)
        static_cast<rlnas::Bf16*>(out)[place] = rlnas::bf16_of(value);
      else
        static_cast<float*>(out)[place] = value;
    }
}

}  // namespace

extern "C" {

cublasStatus_t cublasCreate_v2(cublasHandle_t* handle) {
  const Entry entry;
  *handle = nullptr;
  if (device_status() != cudaSuccess || fails(Call::cublas)) return CUBLAS_STATUS_NOT_INITIALIZED;
  *handle = new cublasContext;
  handles().insert(*handle);
  ++state().usage.handles;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) {
  const Entry entry;
  if (handles().erase(handle) == 0) return CUBLAS_STATUS_NOT_INITIALIZED;
  delete handle;
  --state().usage.handles;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream) {
  const Entry entry;
  if (!handles().contains(handle)) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (device_status() != cudaSuccess || fails(Call::cublas)) return CUBLAS_STATUS_MAPPING_ERROR;
  require_stream(stream, "cublasSetStream");
  handle->stream = stream;
  handle->workspace = nullptr;  // as documented
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t handle, void* workspace, std::size_t bytes) {
  const Entry entry;
  if (!handles().contains(handle)) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (device_status() != cudaSuccess || fails(Call::cublas)) return CUBLAS_STATUS_MAPPING_ERROR;
  if (reinterpret_cast<std::uintptr_t>(workspace) % kWorkspaceAlignment != 0 ||
      !device_memory().holds(MemoryKind::device, workspace, bytes, "cuBLAS workspace"))
    return CUBLAS_STATUS_INVALID_VALUE;
  handle->workspace = workspace;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t a_operation,
                            cublasOperation_t b_operation, int m, int n, int k, const void* alpha,
                            const void* a, cudaDataType a_type, int lda, const void* b, cudaDataType b_type,
                            int ldb, const void* beta, void* c, cudaDataType c_type, int ldc,
                            cublasComputeType_t compute, cublasGemmAlgo_t) {
  const Entry entry;
  if (!handles().contains(handle)) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (device_status() != cudaSuccess || fails(Call::cublas)) return CUBLAS_STATUS_EXECUTION_FAILED;
  // Of the documented combinations those with scalars in float and sums in 32 bits.
  const bool halves = a_type == CUDA_R_16BF && b_type == CUDA_R_16BF && compute == CUBLAS_COMPUTE_32F &&
                      (c_type == CUDA_R_16BF || c_type == CUDA_R_32F);
  const bool floats = a_type == CUDA_R_32F && b_type == CUDA_R_32F && c_type == CUDA_R_32F;
  if (!halves && !floats) misuse("cublasGemmEx: only float and bfloat16 with sums in float are simulated");
  if (m <= 0 || n <= 0 || k <= 0) return CUBLAS_STATUS_INVALID_VALUE;
  const Matrix left(a, a_type, a_operation, m, k, lda), right(b, b_type, b_operation, k, n, ldb),
      result(c, c_type, CUBLAS_OP_N, m, n, ldc);
  if (!usable(left) || !usable(right) || !usable(result)) return CUBLAS_STATUS_INVALID_VALUE;
  const float scale = *static_cast<const float*>(alpha), keep = *static_cast<const float*>(beta);
  // Legal, but then cuBLAS puts nodes that allocate into the graph, and no graph here should have any.
  if (handle->stream->capture != nullptr && handle->workspace == nullptr)
    misuse("cuBLAS is captured without a workspace of its user");
  std::ostringstream fixed;  // another shape may be other kernels
  fixed << "cuBLAS " << a_type << c_type << a_operation << b_operation << ' ' << m << 'x' << n << 'x' << k;
  const WorkNote note = note_of([&] {
    const auto bytes = [](const Matrix& matrix, double rows, double columns) {
      return std::uint64_t(rows * columns) * size_of(matrix.data.element());
    };
    const std::uint64_t written = bytes(result, m, n);
    return Work{.kind = WorkKind::cublas,
                .name = "matrix product",
                .cost = {bytes(left, m, k) + bytes(right, k, n) + (keep != 0.0f ? written : 0), written,
                         2 * std::uint64_t(m) * std::uint64_t(n) * std::uint64_t(k)},
                .arithmetic = halves                                    ? Arithmetic::bf16
                              : compute == CUBLAS_COMPUTE_32F_FAST_TF32 ? Arithmetic::tf32
                              : compute == CUBLAS_COMPUTE_32F_FAST_16BF ? Arithmetic::bf16
                                                                        : Arithmetic::fp32};
  });
  const cudaError_t queued = enqueue(
      handle->stream, "cuBLAS matrix product", [=] { multiply(k, scale, left, right, keep, result); },
      fixed.str(), note);
  return queued == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}

const char* cublasGetStatusString(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_MAPPING_ERROR:
      return "CUBLAS_STATUS_MAPPING_ERROR";
    case CUBLAS_STATUS_EXECUTION_FAILED:
      return "CUBLAS_STATUS_EXECUTION_FAILED";
    default:
      return "an unknown cuBLAS status";
  }
}

}  // extern "C"
