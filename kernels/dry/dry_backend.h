// A backend that executes nothing: it answers every call at once and writes down what it was asked to do.
// Walking a real network over it gives the network table, the FLOPs and the exact list of problems a device
// backend has to plan. Its memory is address space only: never dereference it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kernels/backend.h"

namespace rlnas {

struct RecordedCall {
  std::string primitive;         // "conv_forward"
  std::string shape;             // "[64,32,32,16] 3x3 s1 -> 16"
  std::uint64_t flops = 0;       // 2 per multiply-accumulate
  std::uint64_t bytes = 0;       // compulsory traffic: every operand once
  std::optional<ConvSpec> conv;  // of the convolutions
};

// `like`: a real backend whose workspace sizes are answered, so that planned memory is right. May be null.
std::unique_ptr<Backend> make_dry_backend(std::vector<RecordedCall>* calls, Backend* like);

}  // namespace rlnas
