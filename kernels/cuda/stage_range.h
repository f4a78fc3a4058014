// The stage that is being queued, as an NVTX range: Nsight Systems shows it above the kernels. NVTX is
// headers alone; without a profiler a range is one test of a pointer.
#pragma once

#include "kernels/cuda/stage.h"

namespace rlnas {

// Ranges nest by thread, so it is opened and closed on the thread that uses the backend.
class StageRange {
 public:
  StageRange() = default;
  ~StageRange() { close(); }
  StageRange(const StageRange&) = delete;
  StageRange& operator=(const StageRange&) = delete;

  // Closes the range before.
  void open(const Stage& stage);

 private:
  void close();

  bool is_open_ = false;
};

}  // namespace rlnas
