// What the CUDA backend holds of its device: the compute stream, the link to the host, and the libraries'
// handles.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "kernels/backend.h"
#include "kernels/cuda/graph_cache.h"
#include "kernels/cuda/host_link.h"
#include "kernels/cuda/stage_range.h"

namespace rlnas {

class CudnnConv;   // cudnn_conv.h
class CublasGemm;  // cublas_gemm.h
class NormPool;    // norm_pool.h

struct CudaDevice {
  // Makes the device the current one of this thread, which must be the one that uses the backend.
  // Errors: device when there is no driver, no such device, or no memory on it.
  explicit CudaDevice(const CudaOptions& options);
  ~CudaDevice();

  // Nothing where the stage is the present one: a backward pass names it at each of its operations.
  void begin_stage(const Stage& stage);
  // Within a call, before what may not be part of a CUDA graph: see GraphCache::interrupt.
  void interrupt_graph();

  int index;
  std::string name;      // "NVIDIA H100 80GB HBM3"
  int architecture = 0;  // 90: sm_90
  std::size_t memory_bytes = 0;
  CudaStream compute;
  DeviceMemory counters;  // of last_block.cuh
  HostLink link;
  std::unique_ptr<CudnnConv> conv;
  std::optional<DeviceMemory> gemm_workspace;  // where stages are captured
  std::unique_ptr<CublasGemm> gemm;
  std::unique_ptr<NormPool> norm_pool;  // null: own kernels
  Stage stage;
  StageRange range;
  std::optional<GraphCache> graphs;
};

}  // namespace rlnas
