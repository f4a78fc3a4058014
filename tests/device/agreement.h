// Whether two trainings differ by rounding alone, step by step.
//
// Rounding drives trainings apart several times further with every step: batch norm over few values
// multiplies it, and ReLU cuts where a value changes sign. So each step begins where the reference stands.
// How far one step may be off depends on network and batch and cannot be written down as a number, so it is
// measured: the reference takes the step again, from weights disturbed by a few times what the precision
// under test rounds by, so that values near zero fall on either side of a ReLU as they may in what is tested,
// and what is held against it may be a little further away than that.
#pragma once

#include <string>

#include "kernels/backend.h"
#include "tests/support/short_training.h"

namespace rlnas::test {

// What a precision rounds operands by, relatively.
double rounding_of(Precision precision);

struct Trainee {
  Backend& backend;
  const ShortTraining& training;
};

// Empty, or the first thing in which `got` is further from `expected` than rounding explains.
std::string disagreement(const Trainee& got, const Trainee& expected, Precision precision);

}  // namespace rlnas::test
