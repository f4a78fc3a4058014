// A convolution pass over strided host tensors, as a cuDNN graph describes it: what the simulated cuDNN does
// when a plan is executed.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>

#include "kernels/spec.h"

namespace rlnas::simulation {

enum class ElementType { float32, bfloat16 };

struct HostTensor {
  std::array<std::int64_t, 4> sizes{};    // N,C,H,W; filters K,C/g,R,S
  std::array<std::int64_t, 4> strides{};  // in elements
  ElementType type = ElementType::float32;
  std::int64_t id = 0;  // of the pointer in a variant pack
  void* data = nullptr;

  std::int64_t count() const { return sizes[0] * sizes[1] * sizes[2] * sizes[3]; }
};

struct HostConv {
  ConvPass pass = ConvPass::forward;
  std::array<std::int64_t, 2> padding{}, stride{}, dilation{};
  HostTensor x, w, y;  // or their gradients

  // Of a plan's JSON. Errors: run_failed when it is no single convolution pass.
  static HostConv of_plan(const nlohmann::json& plan);
  // Sums in double, rounded once.
  void run() const;
};

}  // namespace rlnas::simulation
