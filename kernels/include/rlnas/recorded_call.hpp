// What a call of a primitive costs on paper: a line about its shape, its floating-point operations and its
// compulsory memory traffic. The dry backend writes these down, the profiling backend sets measured time
// against them; both read the one formula in primitives.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "rlnas/primitives.hpp"

namespace rlnas {

struct RecordedCall {
  std::string primitive;                             // "conv_forward"
  std::string shape;                                 // "[64,32,32,16] 3x3 s1 -> 16"
  std::uint64_t flops = 0;                           // 2 per multiply-accumulate
  std::uint64_t bytes = 0;                           // compulsory traffic: every operand once
  std::optional<ConvSpec> conv = std::nullopt;       // of the convolutions
  std::optional<ConvPass> pass = std::nullopt;       // of a convolution alone
  std::optional<PoolSpec> pool = std::nullopt;       // of the pooling passes
  std::optional<BatchNormSpec> norm = std::nullopt;  // of a batch norm alone
};

// Of the primitive that makes the pass.
RecordedCall cost_of_conv(const ConvSpec& spec, ConvPass pass, Element element = Element::f32);
RecordedCall cost_of_copy(const char* name, std::size_t bytes);  // "upload" or "download"

}  // namespace rlnas
