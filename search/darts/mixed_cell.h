// The cell of a differentiable search: on every edge all eight candidates, weighted by a softmax of the
// edge's alphas. DARTS sends all channels through them. PC-DARTS sends one of `share` (four), has the others
// pass by (halved by a maximum on edges of stride 2), shuffles the channels, and weights the edges of a node
// by a softmax of their betas. Source: Liu, Simonyan and Yang, DARTS, ICLR 2019; Xu et al., PC-DARTS, ICLR
// 2020; method.md 12.3.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "search/darts/cell.h"
#include "search/space.h"

namespace rlnas::darts {

// Whether the edge halves its input.
constexpr bool halves_input(CellKind kind, int edge) {
  return kind == CellKind::reduce && kEdges[std::size_t(edge)].source < kInputCount;
}

// Adds the four nodes behind `nodes`, the two inputs, and returns all six. add_op(edge, op, source) adds a
// candidate and returns its node. The nodes are those of the definition, but for one thing: shuffling comes
// after the sum over edges, which is the same.
using AddOperation = std::function<int(int edge, Op op, int source)>;
std::vector<int> add_mixed_nodes(Graph& graph, CellKind kind, int share, std::vector<int> nodes,
                                 const AddOperation& add_op);

// alphas_normal, alphas_reduce [14,8] and, where there are partial channels, betas_normal, betas_reduce [14].
MixtureSpec mixture_spec(int share);

// Of every node the two edges, and of each of these the operation, that have the largest weights, none left
// out. Shapes: weights: those of the spec's flat buffer, after the softmax.
Architecture largest_weights(int share, std::span<const float> weights);

}  // namespace rlnas::darts
