#include "search/darts/cell.h"

namespace rlnas::darts {
namespace {

constexpr std::array<std::string_view, kOpCount> kOpNames{"none",         "max_pool_3x3", "avg_pool_3x3",
                                                          "skip_connect", "sep_conv_3x3", "sep_conv_5x5",
                                                          "dil_conv_3x3", "dil_conv_5x5"};

}  // namespace

std::string_view op_name(Op op) {
  return kOpNames[std::size_t(op)];
}

bool is_legal(const Cell& cell) {
  for (int node = kInputCount; node < kAllNodes; ++node) {
    int inputs = 0;
    for (int edge = first_edge(node); edge < first_edge(node) + node; ++edge) {
      inputs += cell.ops[std::size_t(edge)] != Op::none ? 1 : 0;
    }
    if (inputs != 2) return false;
  }
  return true;
}

}  // namespace rlnas::darts
