// cudart: capturing streams into graphs, updating and replaying those. A graph runs as one operation of its
// stream; within it the nodes run in any order that its edges allow (see replay()).
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

// Nodes are paired in the order they were captured in. The real call tries harder only for nodes that were
// added in another order.
cudaGraphExecUpdateResult compare(const std::vector<GraphNode>& had, const std::vector<GraphNode>& got) {
  if (had.size() != got.size()) return cudaGraphExecUpdateErrorTopologyChanged;
  for (std::size_t i = 0; i < had.size(); ++i) {
    if (had[i].after != got[i].after) return cudaGraphExecUpdateErrorTopologyChanged;
    if (had[i].fixed != got[i].fixed) return cudaGraphExecUpdateErrorNodeTypeChanged;
  }
  return cudaGraphExecUpdateSuccess;
}

}  // namespace

extern "C" {

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  const Entry entry;
  cudaError_t error;
  if (entry.refused(error, Call::graph, cudaErrorMemoryAllocation)) return error;
  require_stream(stream, "cudaStreamBeginCapture");
  if (stream->capture != nullptr) return report(cudaErrorIllegalState);
  ++state().usage.captures;
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
  if (capture->invalidated) return report(cudaErrorStreamCaptureInvalidated);
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
  ++state().usage.graph_instantiations;
  return cudaSuccess;
}

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t* nodes, std::size_t* count) {
  const Entry entry;
  cudaError_t error;
  if (entry.refused(error, Call::graph, cudaErrorInvalidValue)) return error;
  if (nodes != nullptr) misuse("cudaGraphGetNodes: only counting is simulated");
  *count = graph->nodes.size();
  return cudaSuccess;
}

// Launches that are queued keep the parameters they were queued with.
cudaError_t cudaGraphExecUpdate(cudaGraphExec_t executable, cudaGraph_t graph,
                                cudaGraphExecUpdateResultInfo* info) {
  const Entry entry;
  cudaError_t error;
  *info = {cudaGraphExecUpdateError, nullptr, nullptr};
  if (entry.refused(error, Call::graph, cudaErrorMemoryAllocation)) return error;
  info->result = compare(executable->nodes, graph->nodes);
  if (info->result != cudaGraphExecUpdateSuccess) return report(cudaErrorGraphExecUpdateFailure);
  if (++state().usage.graph_updates != state().options.drop_update_at) executable->nodes = graph->nodes;
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  const Entry entry;
  cudaError_t error;
  if (entry.refused(error, Call::graph, cudaErrorLaunchOutOfResources)) return error;
  require_stream(stream, "cudaGraphLaunch");
  ++state().usage.graph_launches;
  return enqueue(
      stream, "graph", [nodes = executable->nodes] { replay(nodes); }, "child graph");
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
