#include "kernels/cuda/cuda_device.h"

#include "kernels/cuda/block_counters.h"
#include "kernels/cuda/cublas_gemm.h"
#include "kernels/cuda/cudnn_conv.h"
#include "kernels/cuda/norm_pool.h"

namespace rlnas {
namespace {

int select_device(int index) {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  // cudart's own words for this do not say that there may be no driver at all.
  RLNAS_CHECK(status != cudaErrorInsufficientDriver, device,
              "no NVIDIA driver on this machine, or one too old for CUDA ", CUDART_VERSION / 1000,
              "; use --device cpu");
  RLNAS_CHECK(status == cudaSuccess, device, "no CUDA device can be used: ", cudaGetErrorString(status),
              "; use --device cpu");
  RLNAS_CHECK(index >= 0 && index < count, device, "there is no device cuda:", index, ", the machine has ",
              count, count == 1 ? " CUDA device" : " CUDA devices",
              "; of several ranks on a machine each takes the device of its number there");
  check_cuda(cudaSetDevice(index), "cudaSetDevice");
  return index;
}

}  // namespace

CudaDevice::CudaDevice(const CudaOptions& options)
    : index(select_device(options.device)),
      compute(options.stream),
      counters(kBlockCounters * sizeof(unsigned)),
      link(compute) {
  check_cuda(cudaMemsetAsync(counters.data(), 0, kBlockCounters * sizeof(unsigned), compute.get()),
             "cudaMemsetAsync");
  cudaDeviceProp properties;
  check_cuda(cudaGetDeviceProperties(&properties, index), "cudaGetDeviceProperties");
  name = properties.name;
  architecture = 10 * properties.major + properties.minor;
  memory_bytes = properties.totalGlobalMem;
  const auto before_planning = [this] { interrupt_graph(); };
  conv = std::make_unique<CudnnConv>(options, compute.get(), before_planning);
  if (options.graph_capture == GraphCapture::stages) {
    gemm_workspace.emplace(CublasGemm::kWorkspaceBytes);
    graphs.emplace(compute);
  }
  gemm = std::make_unique<CublasGemm>(
      options.precision, compute.get(),
      gemm_workspace ? Workspace{gemm_workspace->data(), CublasGemm::kWorkspaceBytes} : Workspace{});
  if (options.norm_and_pool == NormAndPool::cudnn)
    norm_pool = make_cudnn_norm_pool(options, compute.get(), before_planning);
}

CudaDevice::~CudaDevice() = default;

void CudaDevice::begin_stage(const Stage& next) {
  if (next == stage) return;
  range.open(next);
  stage = next;
}

void CudaDevice::interrupt_graph() {
  if (graphs) graphs->interrupt();
}

}  // namespace rlnas
