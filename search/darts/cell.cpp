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

}  // namespace rlnas::darts
