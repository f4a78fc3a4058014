#include "kernels/cuda/stage_range.h"

#include <nvtx3/nvToolsExt.h>

#include <utility>

namespace rlnas {

void StageRange::open(const Stage& stage) {
  close();
  nvtxRangePushA(text_of(stage).c_str());
  is_open_ = true;
}

void StageRange::close() {
  if (std::exchange(is_open_, false)) nvtxRangePop();
}

}  // namespace rlnas
