// Queues runs of calls as CUDA graphs instead of call by call.
//
// Why: by common figures, not measured here, queueing a kernel costs the host 2 to 3 us and leaves the device
// idle for about 1 us between one and the next. A training step of NAS-Bench-201 queues hundreds, many of
// which are shorter than that on a small batch, so the host sets the pace. A graph is queued in one call.
//
// What is run decides how it is queued, not a list of names:
// - Calls that were run before, to the byte, are captured once and from then on replayed: the graph of a
//   stand-alone network, and of a path that comes again where the arena stands the same. Their price is to
//   be written down and compared.
// - Others go the way of their stage. The first time that is the stream, for that is when libraries load and
//   compile code. From then on the calls are captured, which only writes down each, and the executable graph
//   of the time before is given the parameters, kernel by kernel, where the sequence of kernels is the same
//   (stem, reduction blocks, head), or is instantiated anew where it is not. A stage for which this was in
//   vain several times in a row (cells on sampled paths) goes directly ever after: instantiating costs many
//   times an update and must stay rare.
// - A few calls go directly, as fast.
//
// The capture is `relaxed`: in it CUDA refuses only what cannot be done at all, and a library that loads a
// kernel on its first use is not refused.
// Source: CUDA programming guide, "CUDA Graphs", stream capture and whole graph update.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "kernels/cuda/call_log.h"
#include "kernels/cuda/cuda_graph.h"
#include "kernels/cuda/stage.h"

namespace rlnas {

class GraphCache {
 public:
  explicit GraphCache(const CudaStream& stream) : stream_(stream) {}
  GraphCache(const GraphCache&) = delete;
  GraphCache& operator=(const GraphCache&) = delete;

  // Queues the calls, of which `part` counts those of one stage that were run separately. Errors: device. The
  // work is lost then; the stream can be used.
  void run(const Stage& stage, int part, const CallLog& calls, Backend& backend);
  // Out of one of the calls, before what may not be captured: launches what has been captured of them; the
  // rest of them goes directly. Errors: as run().
  void interrupt();

 private:
  enum class Way { warm_up, capture, direct };
  struct Piece {
    Way way = Way::warm_up;
    ExecutableGraph executable;
    int in_vain = 0;  // times in a row
  };
  struct Kept {
    ExecutableGraph executable;
    std::uint64_t used = 0;  // when last
  };
  struct Captured {
    Adopted adopted = Adopted::first;
    std::size_t nodes = 0;
    bool whole = true;
  };

  bool replay(const CallLog& calls);
  bool seen_before(const CallLog& calls);
  void keep(const CallLog& calls, Backend& backend);
  void run_in_stage(Piece& piece, const CallLog& calls, Backend& backend);
  Captured capture(ExecutableGraph& executable, const CallLog& calls, Backend& backend);
  void end_capture();
  void judge(Piece& piece, bool in_vain);

  const CudaStream& stream_;
  std::map<std::pair<Stage, int>, Piece> pieces_;
  std::unordered_map<std::string, Kept> kept_;  // by CallLog::key
  std::unordered_set<std::size_t> seen_;        // hashes of keys that ran once
  std::uint64_t clock_ = 0;
  // While the stream is captured:
  ExecutableGraph* capturing_ = nullptr;
  Captured captured_;
};

}  // namespace rlnas
