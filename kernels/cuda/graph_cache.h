// Queues what is done between two begin_stage calls as one CUDA graph instead of call by call.
//
// Why: by common figures, not measured here, queueing a kernel costs the host 2 to 3 us and leaves the device
// idle for about 1 us between one and the next. A training step of NAS-Bench-201 queues hundreds, many of
// which are shorter than that on a small batch, so the host sets the pace. A graph is queued in one call. Its
// price, on the host and every time: the stage is captured anew (addresses come from the step arena and
// differ from path to path), which only writes down each call, and the executable graph is given the
// parameters, kernel by kernel. Besides, a stage starts on the device only when all of it has been captured.
// So it is an option, to be measured where it is used. Instantiating costs many times an update and must stay
// rare.
//
// What is captured is decided by what happens, not by a list of names. The first time, a stage goes to the
// stream directly, for that is when libraries load and compile code.
// From then on it is captured, and the executable graph of the time before is updated where the sequence of
// calls is the same (stem, reduction blocks, head), instantiated anew where it is not. A stage for which this
// was in vain several times in a row (cells on sampled paths; stages that begin with an upload; one or two
// kernels) is queued directly ever after.
//
// Uploads, downloads, allocation, waiting and planning end the piece that is being captured (interrupt());
// the rest of that stage goes directly. The capture is `relaxed`: in it CUDA refuses only what cannot be done
// at all, and a library that loads a kernel on its first use is not refused.
// Source: CUDA programming guide, "CUDA Graphs", stream capture and whole graph update.
#pragma once

#include <exception>
#include <map>
#include <string>

#include "kernels/cuda/cuda_graph.h"
#include "kernels/cuda/stage.h"

namespace rlnas {

class GraphCache {
 public:
  // `stream` must outlive the cache, and be given to no one who waits for it without interrupt().
  explicit GraphCache(const CudaStream& stream) : stream_(stream) {}
  ~GraphCache();  // what is being captured is dropped
  GraphCache(const GraphCache&) = delete;
  GraphCache& operator=(const GraphCache&) = delete;

  // Launches what the stage before has captured; what follows belongs to this one.
  // Errors: device. The capture has ended then and its work is lost; the stream can be used.
  void begin(const Stage& stage);

  // To be called before anything that may not be captured or that waits for the stream: launches what is
  // captured so far. Errors: as begin().
  void interrupt();
  // The same where nothing may be thrown: the next call of the two above throws it.
  void interrupt_quietly() noexcept;

 private:
  enum class Way { warm_up, capture, direct };
  enum class End { of_stage, interrupted };

  struct Piece {
    Way way = Way::warm_up;
    ExecutableGraph executable;
    int in_vain = 0;  // times in a row
  };

  void end_piece(End end);
  void judge(Piece& piece, bool in_vain);
  void throw_kept_error();

  const CudaStream& stream_;
  std::map<Stage, Piece> pieces_;
  std::map<Stage, Piece>::iterator capturing_ = pieces_.end();
  std::exception_ptr kept_error_;
};

}  // namespace rlnas
