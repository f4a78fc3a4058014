// The graph of a network of an own search space, node by node.
#pragma once

#include <span>

#include "search/space_file/network.h"

namespace rlnas::space_file {

// options: with all sizes. Errors: run_failed for genes that are out of range.
Graph build_graph(const Network& network, const NetworkOptions& options, std::span<const Genes> paths);

}  // namespace rlnas::space_file
