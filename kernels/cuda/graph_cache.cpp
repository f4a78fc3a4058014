#include "kernels/cuda/graph_cache.h"

#include <utility>

namespace rlnas {
namespace {

constexpr int kPatience = 3;
constexpr std::size_t kFewestNodes = 3;  // fewer are queued directly as fast

}  // namespace

GraphCache::~GraphCache() {
  if (capturing_ == pieces_.end()) return;
  cudaGraph_t graph = nullptr;
  cudaStreamEndCapture(stream_.get(), &graph);
  if (graph != nullptr) cudaGraphDestroy(graph);
}

void GraphCache::begin(const Stage& stage) {
  throw_kept_error();
  end_piece(End::of_stage);
  const auto piece = pieces_.try_emplace(stage).first;
  if (piece->second.way == Way::capture) {
    const std::string call = "cudaStreamBeginCapture of stage " + text_of(stage);
    check_cuda(cudaStreamBeginCapture(stream_.get(), cudaStreamCaptureModeRelaxed), call.c_str());
    capturing_ = piece;
  }
  if (piece->second.way == Way::warm_up) piece->second.way = Way::capture;
}

void GraphCache::interrupt() {
  throw_kept_error();
  end_piece(End::interrupted);
}

void GraphCache::interrupt_quietly() noexcept {
  try {
    end_piece(End::interrupted);
  } catch (...) {
    kept_error_ = std::current_exception();
  }
}

void GraphCache::throw_kept_error() {
  if (kept_error_ != nullptr) std::rethrow_exception(std::exchange(kept_error_, nullptr));
}

void GraphCache::end_piece(End end) {
  if (capturing_ == pieces_.end()) return;
  auto& [stage, piece] = *std::exchange(capturing_, pieces_.end());
  try {
    const CudaGraph graph = CudaGraph::end_capture(stream_);
    const std::size_t nodes = graph.node_count();
    if (nodes == 0) {
      // A stage that had nothing to do this time says nothing about the next.
      if (end == End::interrupted) judge(piece, true);
      return;
    }
    const Adopted adopted = piece.executable.adopt(graph);
    piece.executable.launch(stream_);
    judge(piece, adopted == Adopted::anew || nodes < kFewestNodes);
  } catch (const Error& error) {
    fail(error.code(), "the work of stage ", text_of(stage), " is lost: ", error.what());
  }
}

void GraphCache::judge(Piece& piece, bool in_vain) {
  piece.in_vain = in_vain ? piece.in_vain + 1 : 0;
  if (piece.in_vain < kPatience) return;
  piece.way = Way::direct;
  piece.executable.reset();
}

}  // namespace rlnas
