// Batch norm and average pooling as cuDNN's descriptors say them, run on the host in double. Results are made
// unreadable before operands are read: one may not lie on the other, for cuDNN does not promise that it may.
#pragma once

#include <span>

#include "tests/simulator/cudnn_tensor.h"

namespace rlnas::simulator {

struct NormPool {
  enum class Kind { norm_forward, norm_backward, average_forward, average_backward };

  Kind kind = Kind::norm_forward;
  // norm_forward: x, y, mean, inverse deviation, gamma, beta; norm_backward: x, dy, dx, mean, inverse
  // deviation, gamma, dgamma, dbeta; average_*: x or dx, y or dy.
  std::vector<GraphTensor> tensors;
  std::int64_t epsilon_id = 0;  // of a number by host pointer; 0: none
  std::array<std::int64_t, 2> window{}, stride{}, padding{};
};

// One line, and back. Errors: std::runtime_error.
std::string text_of(const NormPool& operation);
NormPool norm_pool_of(const std::string& text);

// data[i]: memory of tensors[i]
void run(const NormPool& operation, std::span<void* const> data, double epsilon);

}  // namespace rlnas::simulator
