#include "search/darts/describe.h"

namespace rlnas::darts {
namespace {

std::string source_name(int node) {
  if (node < kInputCount) return node == 0 ? "cell k-2" : "cell k-1";
  return "node " + std::to_string(node);
}

std::string drawing_of(const Cell& cell) {
  std::string text;
  for (int node = kInputCount; node < kAllNodes; ++node) {
    std::string terms;
    for (int source = 0; source < node; ++source) {
      const Op op = cell.ops[std::size_t(first_edge(node) + source)];
      if (op == Op::none) continue;
      terms += (terms.empty() ? "" : " + ") + std::string(op_name(op)) + '(' + source_name(source) + ')';
    }
    text += "  node " + std::to_string(node) + " = " + (terms.empty() ? "0" : terms) + '\n';
  }
  return text + "  output = nodes 2, 3, 4 and 5 side by side\n";
}

}  // namespace

ArchitectureDescription describe(const Architecture& architecture, const NetworkSpec& supernet,
                                 const NetworkSpec& stand_alone) {
  return {architecture,
          total(flop_table(stand_alone), architecture),
          total(param_table(stand_alone), architecture),
          {live_paths(architecture.normal), live_paths(architecture.reduce)},
          {path_multiplicity(architecture.normal), path_multiplicity(architecture.reduce)},
          total_over_paths(angle_length_table(supernet), architecture)};
}

std::string drawing(const Architecture& architecture) {
  return "normal cell\n" + drawing_of(architecture.normal) + "reduction cell\n" +
         drawing_of(architecture.reduce);
}

}  // namespace rlnas::darts
