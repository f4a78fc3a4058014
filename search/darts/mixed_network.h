// The network of a differentiable search on CIFAR-10: stem, eight cells that hold all candidates
// (mixed_cell.h), classifier. The norms of its cells have no weights. Source: method.md 4.1, 12.3.
#pragma once

#include "search/darts/cell.h"
#include "search/space.h"

namespace rlnas::darts {

// Errors: usage, naming the flag, for a network that cannot be.
Graph mixed_network(const NetworkOptions& options);

}  // namespace rlnas::darts
