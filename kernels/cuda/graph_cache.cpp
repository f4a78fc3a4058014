#include "kernels/cuda/graph_cache.h"

#include <algorithm>
#include <utility>

namespace rlnas {
namespace {

constexpr int kPatience = 3;
constexpr std::size_t kFewest = 3;        // calls or kernels; fewer are queued directly as fast
constexpr std::size_t kMostKept = 256;    // executable graphs
constexpr std::size_t kMostSeen = 16384;  // hashes

}  // namespace

void GraphCache::run(const Stage& stage, int part, const CallLog& calls, Backend& backend) {
  if (calls.size() < kFewest) return calls.run(backend);
  try {
    if (replay(calls)) return;
    if (seen_before(calls)) return keep(calls, backend);
    run_in_stage(pieces_[{stage, part}], calls, backend);
  } catch (const Error& error) {
    fail(error.code(), "the work of stage ", text_of(stage), " is lost: ", error.what());
  }
}

bool GraphCache::replay(const CallLog& calls) {
  const auto found = kept_.find(calls.key());
  if (found == kept_.end()) return false;
  found->second.used = ++clock_;
  found->second.executable.launch(stream_);
  return true;
}

bool GraphCache::seen_before(const CallLog& calls) {
  if (seen_.size() >= kMostSeen) seen_.clear();
  return !seen_.insert(std::hash<std::string>()(calls.key())).second;
}

void GraphCache::keep(const CallLog& calls, Backend& backend) {
  if (kept_.size() >= kMostKept)
    kept_.erase(std::min_element(kept_.begin(), kept_.end(),
                                 [](const auto& a, const auto& b) { return a.second.used < b.second.used; }));
  const auto added = kept_.try_emplace(calls.key()).first;
  added->second.used = ++clock_;
  bool whole = false;
  try {
    whole = capture(added->second.executable, calls, backend).whole;
  } catch (const Error&) {
    kept_.erase(added);
    throw;
  }
  if (!whole) kept_.erase(added);
}

void GraphCache::run_in_stage(Piece& piece, const CallLog& calls, Backend& backend) {
  if (piece.way != Way::capture) {
    if (piece.way == Way::warm_up) piece.way = Way::capture;
    return calls.run(backend);
  }
  const Captured captured = capture(piece.executable, calls, backend);
  judge(piece, captured.adopted == Adopted::anew || captured.nodes < kFewest);
}

GraphCache::Captured GraphCache::capture(ExecutableGraph& executable, const CallLog& calls,
                                         Backend& backend) {
  check_cuda(cudaStreamBeginCapture(stream_.get(), cudaStreamCaptureModeRelaxed), "cudaStreamBeginCapture");
  capturing_ = &executable;
  captured_ = {};
  try {
    calls.run(backend);
    end_capture();
  } catch (...) {
    if (std::exchange(capturing_, nullptr) != nullptr) {
      cudaGraph_t graph = nullptr;
      cudaStreamEndCapture(stream_.get(), &graph);
      if (graph != nullptr) cudaGraphDestroy(graph);
      cudaGetLastError();  // else the next launch would report this error as its own
    }
    throw;
  }
  return captured_;
}

void GraphCache::interrupt() {
  if (capturing_ == nullptr) return;
  end_capture();
  captured_.whole = false;
}

void GraphCache::end_capture() {
  if (capturing_ == nullptr) return;
  ExecutableGraph& executable = *std::exchange(capturing_, nullptr);
  const CudaGraph graph = CudaGraph::end_capture(stream_);
  captured_.nodes = graph.node_count();
  if (captured_.nodes == 0) return;
  captured_.adopted = executable.adopt(graph);
  executable.launch(stream_);
}

void GraphCache::judge(Piece& piece, bool in_vain) {
  piece.in_vain = in_vain ? piece.in_vain + 1 : 0;
  if (piece.in_vain < kPatience) return;
  piece.way = Way::direct;
  piece.executable.reset();
}

}  // namespace rlnas
