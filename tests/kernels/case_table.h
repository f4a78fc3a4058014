// The one table of test cases. A case runs one primitive on whatever backend the harness holds; the tests
// take the table to compare backends, thread counts and runs.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/kernels/harness.h"

namespace rlnas::test {

struct Case {
  std::string op;    // primitive, or the pair of them that belongs together
  std::string name;  // with its sizes
  double tolerance;  // of worst_error against the reference
  std::function<void(Harness&)> run;
  double rounded_apart = 0.02;  // likewise, where values are stored as bf16
};

// The same cases with activations and their gradients stored as bf16, of those that have any.
std::vector<Case> in_bf16(const std::vector<Case>& cases);

// Shapes: batches 1..64, images from 1x1, channels 1..96, strides, dilations, groups, odd sizes.
std::vector<ConvSpec> conv_specs();

// Cases of one family: conv, batch_norm, elementwise, pool, rearrange, linear, loss, sgd, angle, augment.
std::vector<Case> conv_cases();
std::vector<Case> batch_norm_cases();
std::vector<Case> elementwise_cases();
std::vector<Case> pool_cases();
std::vector<Case> rearrange_cases();
std::vector<Case> head_cases();    // linear and loss
std::vector<Case> buffer_cases();  // sgd and angle
std::vector<Case> augment_cases();

std::vector<Case> all_cases();

}  // namespace rlnas::test
