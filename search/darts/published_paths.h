// The path of a training step as the published code draws it, bit for bit: raw operations, a re-seed for each
// edge, repair. Source: method.md 2.4.
#pragma once

#include <cstdint>

#include "search/space.h"

namespace rlnas::darts {

// Of any step in any order. The published start seeds are 1 (CIFAR) and 5 (ImageNet). Errors: usage for a
// seed that NumPy does not take (2^32 or more).
StepPaths published_paths(const Space& space, std::uint64_t seed);

}  // namespace rlnas::darts
