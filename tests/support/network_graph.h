// A graph with its tensors and its program, for tests that run one by itself.
#pragma once

#include "ops/graph_program.h"
#include "ops/network_layout.h"

namespace rlnas::test {

struct GraphNetwork {
  explicit GraphNetwork(const Graph& graph, const ProgramOptions& options = {})
      : GraphNetwork(graph, graph, options) {}
  // With the tensors of `all`, of which the program uses those that `graph` names, as often as it names them.
  GraphNetwork(const Graph& all, const Graph& graph, const ProgramOptions& options = {})
      : layout(all, Initializer::pytorch), program(graph, layout, options) {}

  Tensor operator()(Context& context, const Tensor& images) const {
    return program.run(context, images, drops).logits;
  }

  NetworkLayout layout;
  Program program;
  Program::Drops drops = {};
};

}  // namespace rlnas::test
