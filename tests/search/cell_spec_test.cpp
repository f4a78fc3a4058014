// A searchable cell as data, on one that is nobody's: two inputs, two nodes, the last of which is the output,
// and `none` in the middle of the candidates.
#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/check.h"
#include "search/cell_spec.h"

using namespace rlnas;

namespace {

constexpr std::int8_t kSkip = 0, kNone = 1, kConv = 2;

CellSpec made_up_cell() {
  return {.name = "made up",
          .heading = "made-up cell\n",
          .edges = {{2, 0}, {2, 1}, {3, 0}, {3, 2}},
          .choices = {{.ops = {"skip", "none", "conv"}, .none = kNone}},
          .inputs = 2,
          .first_output = 3,
          .node_names = {"left", "right", "middle", "output"},
          .output_line = "  that is all\n"};
}

}  // namespace

TEST_CASE("paths of every set of live edges equal a count by hand") {
  const CellPathTable table(made_up_cell());
  for (int live = 0; live < 16; ++live) {
    Genes ops;
    std::array<int, 4> is_live{};
    for (int edge = 0; edge < 4; ++edge) {
      is_live[std::size_t(edge)] = live >> edge & 1;
      ops.push_back((live >> edge & 1) == 0 ? kNone : edge % 2 == 0 ? kSkip : kConv);
    }
    // left -> middle -> output, right -> middle -> output, left -> output
    const std::array<int, 3> paths{is_live[0] * is_live[3], is_live[1] * is_live[3], is_live[2]};
    const auto multiplicity = table.multiplicity(ops);
    REQUIRE(multiplicity.size() == 4);
    CHECK(multiplicity[0] == paths[0]);
    CHECK(multiplicity[1] == paths[1]);
    CHECK(multiplicity[2] == paths[2]);
    CHECK(multiplicity[3] == paths[0] + paths[1]);
    CHECK(table.live_paths(ops) == paths[0] + paths[1] + paths[2]);
  }
  CellSpec large = made_up_cell();
  large.edges.assign(21, {3, 0});
  CHECK_THROWS_AS(CellPathTable{large}, Error);
}

TEST_CASE("a drawing names every node's terms, and 0 where there are none") {
  const Genes genes{kConv, kSkip, kNone, kConv};
  CHECK(drawing_of(made_up_cell(), genes) ==
        "made-up cell\n"
        "  middle = conv(left) + skip(right)\n"
        "  output = conv(middle)\n"
        "  that is all\n");
  CHECK(drawing_of(made_up_cell(), Genes(4, kNone)) ==
        "made-up cell\n"
        "  middle = 0\n"
        "  output = 0\n"
        "  that is all\n");
}

TEST_CASE("a cell in a graph: its chosen operations, or all candidates but none") {
  const CellSpec spec = made_up_cell();
  const FeatureShape shape{4, 8, 8};
  std::vector<std::array<int, 3>> added;  // edge, operation, source
  const auto build = [&](const Genes& ops) {
    added.clear();
    Graph graph;
    const int left = graph.input(shape), right = graph.input(shape);
    const std::vector<int> nodes =
        add_cell(graph, spec, {left, right}, shape, ops, [&](int edge, int op, int source) {
          added.push_back({edge, op, source});
          return op == kSkip ? source : graph.relu(source);
        });
    REQUIRE(nodes.size() == 4);
    CHECK(nodes[0] == left);
    CHECK(nodes[1] == right);
    std::array<NodeKind, 2> kinds{};
    for (std::size_t i = 0; i < 2; ++i) {
      kinds[i] = graph[nodes[2 + i]].kind;
      CHECK(graph[nodes[2 + i]].shape == shape);
    }
    return kinds;
  };
  using Kinds = std::array<NodeKind, 2>;
  CHECK(build({kNone, kConv, kSkip, kNone}) == Kinds{NodeKind::sum, NodeKind::sum});
  CHECK(added == std::vector<std::array<int, 3>>{{1, kConv, 1}, {2, kSkip, 0}});
  CHECK(build({kNone, kNone, kConv, kSkip}) == Kinds{NodeKind::zeros, NodeKind::sum});
  CHECK(added.size() == 2);
  build({});
  REQUIRE(added.size() == 8);
  for (const auto& [edge, op, source] : added) CHECK(op != kNone);
}
