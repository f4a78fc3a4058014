// What a network::Graph is.
#pragma once

#include "ops/graph.h"
#include "rlnas/network.hpp"

namespace rlnas::network {

struct Graph::State {
  rlnas::Graph graph;
};

}  // namespace rlnas::network
