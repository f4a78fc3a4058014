#include "kernels/cuda/cuda_graph.h"

#include <utility>

namespace rlnas {

CudaGraph CudaGraph::end_capture(const CudaStream& stream) {
  cudaGraph_t graph = nullptr;
  check_cuda(cudaStreamEndCapture(stream.get(), &graph), "cudaStreamEndCapture");
  return CudaGraph(graph);
}

CudaGraph::~CudaGraph() {
  cudaGraphDestroy(graph_);
}

std::size_t CudaGraph::node_count() const {
  std::size_t count = 0;
  check_cuda(cudaGraphGetNodes(graph_, nullptr, &count), "cudaGraphGetNodes");
  return count;
}

Adopted ExecutableGraph::adopt(const CudaGraph& graph) {
  const bool first = executable_ == nullptr;
  if (!first && update(graph)) return Adopted::updated;
  reset();
  check_cuda(cudaGraphInstantiate(&executable_, graph.get(), 0), "cudaGraphInstantiate");
  return first ? Adopted::first : Adopted::anew;
}

bool ExecutableGraph::update(const CudaGraph& graph) {
  cudaGraphExecUpdateResultInfo info;
  const cudaError_t status = cudaGraphExecUpdate(executable_, graph.get(), &info);
  if (status != cudaErrorGraphExecUpdateFailure) check_cuda(status, "cudaGraphExecUpdate");
  if (status == cudaSuccess) return true;
  cudaGetLastError();  // else the next launch would report this as its own
  return false;
}

void ExecutableGraph::launch(const CudaStream& stream) const {
  check_cuda(cudaGraphLaunch(executable_, stream.get()), "cudaGraphLaunch");
}

void ExecutableGraph::reset() {
  if (executable_ != nullptr) cudaGraphExecDestroy(std::exchange(executable_, nullptr));
}

}  // namespace rlnas
