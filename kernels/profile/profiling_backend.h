// A backend that runs every call on another one and notes how long it took, beside what it cost on paper.
// Results are those of the inner backend, bit for bit. Each call is waited for, so on an asynchronous device
// a profiled step is slower than the step itself.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/backend.h"
#include "rlnas/recorded_call.hpp"

namespace rlnas {

std::int64_t now_ns();  // on std::chrono::steady_clock

struct TimedCall {
  RecordedCall call;
  const char* stage = "";  // as given to begin_stage
  Direction direction = Direction::forward;
  std::int64_t start_ns = 0;  // of now_ns()
  std::int64_t duration_ns = 0;
};

// Appends to `calls`, which the caller may empty at any time between two calls. Both must outlive the result.
std::unique_ptr<Backend> make_profiling_backend(Backend& inner, std::vector<TimedCall>* calls);

}  // namespace rlnas
