#include "bench/device_copy.h"

#include "kernels/check.h"

namespace rlnas::bench {

void queue_device_copy(Backend&, void*, const void*, std::size_t) {
  fail(ErrorCode::device, "this build has no CUDA backend; use --device cpu");
}

}  // namespace rlnas::bench
