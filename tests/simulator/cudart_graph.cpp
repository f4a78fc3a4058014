// cudart: capturing streams into graphs, and replaying those. A graph runs as one operation of its stream;
// within it the nodes run in any order that its edges allow (see replay()).
#include <algorithm>

#include "tests/simulator/stream.h"

using namespace rlnas::simulator;

namespace {

// Is every node an ancestor of where the origin stands? If not, a stream that joined was never waited for.
bool joined(const Capture& capture) {
  std::vector<bool> seen(capture.nodes.size(), false);
  std::vector<int> open = capture.origin->captured_after;
  while (!open.empty()) {
    const int node = open.back();
    open.pop_back();
    if (seen[std::size_t(node)]) continue;
    seen[std::size_t(node)] = true;
    const std::vector<int>& after = capture.nodes[std::size_t(node)].after;
    open.insert(open.end(), after.begin(), after.end());
  }
  return std::all_of(seen.begin(), seen.end(), [](bool value) { return value; });
}

}  // namespace

extern "C" {

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  const Entry entry;
  cudaError_t error;
  if (entry.refused(error, Call::graph, cudaErrorMemoryAllocation)) return error;
  require_stream(stream, "cudaStreamBeginCapture");
  if (stream->capture != nullptr) return report(cudaErrorIllegalState);
  stream->capture = std::make_shared<Capture>(Capture{stream, mode, {}, {stream}});
  stream->captured_after.clear();
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  const Entry entry;
  require_stream(stream, "cudaStreamEndCapture");
  *graph = nullptr;
  const std::shared_ptr<Capture> capture = stream->capture;
  if (capture == nullptr || capture->origin != stream) return report(cudaErrorIllegalState);
  const bool complete = joined(*capture);
  for (const cudaStream_t member : capture->streams) {
    if (!scheduler().alive(member)) continue;
    member->capture = nullptr;
    member->captured_after.clear();
  }
  if (!complete) return report(cudaErrorStreamCaptureUnjoined);
  if (fails(Call::graph)) return report(cudaErrorMemoryAllocation);
  *graph = new CUgraph_st{capture->nodes};
  ++state().usage.graphs;
  return report(device_status());
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  const Entry entry;
  cudaError_t error;
  if (entry.refused(error, Call::graph, cudaErrorMemoryAllocation)) return error;
  *executable = new CUgraphExec_st{graph->nodes};
  ++state().usage.graphs;
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  const Entry entry;
  cudaError_t error;
  if (entry.refused(error, Call::graph, cudaErrorLaunchOutOfResources)) return error;
  require_stream(stream, "cudaGraphLaunch");
  ++state().usage.graph_launches;
  enqueue(stream, "graph", [nodes = executable->nodes] { replay(nodes); });
  return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  const Entry entry;
  if (graph == nullptr) return report(cudaErrorInvalidValue);
  delete graph;
  --state().usage.graphs;
  return report(device_status());
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  const Entry entry;
  if (executable == nullptr) return report(cudaErrorInvalidValue);
  delete executable;
  --state().usage.graphs;
  return report(device_status());
}

}  // extern "C"
