// A cell or a block of a network as a graph of its own, on inputs of any shape: what a space builds can be
// run by itself.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "kernels/check.h"
#include "ops/graph.h"

namespace rlnas::test {

// Adds a node like this one, of another graph, and returns it.
inline int add_like(Graph& graph, const Node& node, std::vector<int> inputs) {
  const int x = inputs.at(0);
  switch (node.kind) {
    case NodeKind::conv:
      return graph.conv(x, node.name, node.conv);
    case NodeKind::batch_norm:
      return graph.batch_norm(x, node.name, node.affine);
    case NodeKind::activation:
      return graph.activation(x, node.activation);
    case NodeKind::sum:
      return graph.sum(std::move(inputs));
    case NodeKind::concat:
      return graph.concat(std::move(inputs));
    case NodeKind::avg_pool:
      return graph.avg_pool(x, node.pool);
    case NodeKind::max_pool:
      return graph.max_pool(x, node.pool);
    case NodeKind::subsample:
      return graph.subsample(x, node.offset);
    default:
      fail(ErrorCode::run_failed, "no part of a network has such a node");
  }
}

// Adds a unit of the graph `from` to the graph `to`. What it reads from outside is `inputs`, in the order in
// which it comes to them; change(node) alters a copy of each node before it is added, its name for example.
// Returns the last node.
template <class Change>
int add_unit(Graph& to, const Graph& from, int unit, const std::vector<int>& inputs, const Change& change) {
  std::map<int, int> made;
  std::size_t outside = 0;
  int last = -1;
  for (int n = 0; n < from.size(); ++n) {
    Node node = from[n];
    if (node.unit != unit) continue;
    change(node);
    for (int& input : node.inputs) {
      if (!made.contains(input)) made[input] = inputs.at(outside++);
      input = made[input];
    }
    to.set_owner(node.owner);
    made[n] = last = add_like(to, node, node.inputs);
  }
  to.set_owner({});
  return last;
}

}  // namespace rlnas::test
