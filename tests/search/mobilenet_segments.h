// The MobileNet SuperNet's tensors by their published names (method.md appendix D), without the SuperNet.
#pragma once

#include <string>

#include "engine/segment_table.h"
#include "search/mobilenet/architecture.h"

namespace rlnas::test {

inline SegmentTable mobilenet_segments(int classes = 1000) {
  using namespace mobilenet;
  SegmentTable table;
  const auto norm = [&](const std::string& name, std::int64_t channels, int cell = -1, int edge = -1,
                        int op = -1) {
    table.add(name + ".weight", {channels}, cell, edge, op);
    table.add(name + ".bias", {channels}, cell, edge, op);
  };
  table.add("conv_bn.0.weight", {40, 3, 3, 3});
  norm("conv_bn.1", 40);
  table.add("MBConv_ratio_1.conv.0.weight", {40, 1, 3, 3});
  norm("MBConv_ratio_1.conv.1", 40);
  table.add("MBConv_ratio_1.conv.3.weight", {24, 40, 1, 1});
  norm("MBConv_ratio_1.conv.4", 24);
  for (int b = 0; b < kBlockCount; ++b) {
    for (int op = 0; op < kConvOpCount; ++op) {
      const std::string name = "features." + std::to_string(b) + "._ops." + std::to_string(op) + ".conv.";
      const std::int64_t in = kBlocks[std::size_t(b)].in, out = kBlocks[std::size_t(b)].out;
      const std::int64_t hidden = in * (op % 2 == 0 ? 3 : 6), kernel = 3 + op / 2 * 2;
      table.add(name + "0.weight", {hidden, in, 1, 1}, b, 0, op);
      norm(name + "1", hidden, b, 0, op);
      table.add(name + "3.weight", {hidden, 1, kernel, kernel}, b, 0, op);
      norm(name + "4", hidden, b, 0, op);
      table.add(name + "6.weight", {out, hidden, 1, 1}, b, 0, op);
      norm(name + "7", out, b, 0, op);
    }
  }
  table.add("conv_1x1_bn.0.weight", {1728, 432, 1, 1});
  norm("conv_1x1_bn.1", 1728);
  table.add("classifier.0.weight", {classes, 1728});
  table.add("classifier.0.bias", {classes});
  return table;
}

}  // namespace rlnas::test
