// Draws the path of a training step: one normal and one reduction cell, shared by all cells of their kind,
// each uniform over the cells with two inputs a node. Source: method.md 2.4.
#pragma once

#include <cstdint>

#include "search/darts/cell.h"

namespace rlnas::darts {

enum class PathSource {
  philox,  // the two inputs and their operations drawn directly: a function of (seed, step) alone
  numpy,   // the published code's draws, bit for bit: raw operations, a re-seed for each edge, repair
};

class PathSampler {
 public:
  // Errors: usage for PathSource::numpy with a seed that NumPy does not take (2^32 or more).
  PathSampler(std::uint64_t seed, PathSource source);

  // The path of step 0, 1, 2, ...; any order. The published start seeds are 1 (CIFAR) and 5 (ImageNet).
  Architecture path(std::int64_t step) const;

 private:
  std::uint64_t seed_;
  PathSource source_;
};

}  // namespace rlnas::darts
