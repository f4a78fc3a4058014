// A captured CUDA graph and an executable one, each with an owner that gives it back.
#pragma once

#include <cstddef>

#include "kernels/cuda/cuda_handles.h"

namespace rlnas {

// What a stream captured.
class CudaGraph {
 public:
  // Ends the capture of the stream, whatever comes of it. Errors: device, also when something that may not be
  // captured has spoilt it.
  static CudaGraph end_capture(const CudaStream& stream);
  ~CudaGraph();
  CudaGraph(const CudaGraph&) = delete;
  CudaGraph& operator=(const CudaGraph&) = delete;

  cudaGraph_t get() const { return graph_; }
  std::size_t node_count() const;

 private:
  explicit CudaGraph(cudaGraph_t graph) : graph_(graph) {}

  cudaGraph_t graph_;
};

// How an executable graph came to do what a captured one says.
enum class Adopted {
  first,    // there was none: instantiated
  updated,  // its parameters were changed
  anew,     // it was too different: instantiated again
};

class ExecutableGraph {
 public:
  ExecutableGraph() = default;
  ~ExecutableGraph() { reset(); }
  ExecutableGraph(const ExecutableGraph&) = delete;
  ExecutableGraph& operator=(const ExecutableGraph&) = delete;

  // Launches before this call, though not yet run, are not affected.
  Adopted adopt(const CudaGraph& graph);
  // Async on the stream.
  void launch(const CudaStream& stream) const;
  void reset();

 private:
  bool update(const CudaGraph& graph);

  cudaGraphExec_t executable_ = nullptr;
};

}  // namespace rlnas
