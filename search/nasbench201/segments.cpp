#include "search/nasbench201/segments.h"

#include "kernels/check.h"
#include "search/nasbench201/counts.h"

namespace rlnas::nasbench201 {
namespace {

void add_batch_norm(SegmentTable& table, const std::string& prefix, int channels, int cell = -1) {
  table.add(prefix + ".weight", {channels}, cell);
  table.add(prefix + ".bias", {channels}, cell);
}

void add_residual_block(SegmentTable& table, int cell) {
  const std::string prefix = "cells." + std::to_string(cell) + ".";
  const int in = cell_channels(cell - 1), out = cell_channels(cell);
  table.add(prefix + "conv_a.op.1.weight", {out, in, 3, 3}, cell);
  add_batch_norm(table, prefix + "conv_a.op.2", out, cell);
  table.add(prefix + "conv_b.op.1.weight", {out, out, 3, 3}, cell);
  add_batch_norm(table, prefix + "conv_b.op.2", out, cell);
  table.add(prefix + "downsample.1.weight", {out, in, 1, 1}, cell);
}

void add_searchable_cell(SegmentTable& table, int cell) {
  const int channels = cell_channels(cell);
  for (int edge = 0; edge < kEdgeCount; ++edge) {
    const Edge& e = kEdges[std::size_t(edge)];
    const std::string prefix = "cells." + std::to_string(cell) + ".edges." + std::to_string(e.target) + "<-" +
                               std::to_string(e.source) + ".";
    for (const Op op : {Op::nor_conv_1x1, Op::nor_conv_3x3}) {
      const int kernel = op == Op::nor_conv_3x3 ? 3 : 1;
      table.add(prefix + std::to_string(int(op)) + ".op.1.weight", {channels, channels, kernel, kernel}, cell,
                edge, int(op));
    }
  }
}

}  // namespace

SegmentTable supernet_segments(int classes) {
  RLNAS_CHECK(classes > 0, usage, "--classes ", classes, ": must be positive");
  SegmentTable table;
  table.add("stem.0.weight", {kStageChannels[0], kInputChannels, 3, 3});
  add_batch_norm(table, "stem.1", kStageChannels[0]);
  for (int cell = 0; cell < kNetworkCells; ++cell) {
    if (is_residual_cell(cell)) {
      add_residual_block(table, cell);
    } else {
      add_searchable_cell(table, cell);
    }
  }
  add_batch_norm(table, "lastact.0", kStageChannels.back());
  table.add("classifier.weight", {classes, kStageChannels.back()});
  table.add("classifier.bias", {classes});
  return table;
}

}  // namespace rlnas::nasbench201
