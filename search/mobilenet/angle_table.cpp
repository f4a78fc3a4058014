#include "search/mobilenet/angle_table.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "kernels/check.h"

namespace rlnas::mobilenet {
namespace {

// The fixed part's tensors in the vector, and those it leaves out.
constexpr std::array<std::string_view, 5> kFixedIn{"conv_bn.0.weight", "MBConv_ratio_1.conv.0.weight",
                                                   "MBConv_ratio_1.conv.3.weight", "conv_1x1_bn.0.weight",
                                                   "classifier.0.weight"};
constexpr std::array<std::string_view, 9> kFixedOut{"conv_bn.1.weight",
                                                    "conv_bn.1.bias",
                                                    "MBConv_ratio_1.conv.1.weight",
                                                    "MBConv_ratio_1.conv.1.bias",
                                                    "MBConv_ratio_1.conv.4.weight",
                                                    "MBConv_ratio_1.conv.4.bias",
                                                    "conv_1x1_bn.1.weight",
                                                    "conv_1x1_bn.1.bias",
                                                    "classifier.0.bias"};

template <std::size_t count>
bool holds(const std::array<std::string_view, count>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// An operation's parts: expand conv, norm, depthwise conv, norm, project conv, and the norm that is left out.
bool in_vector(std::string_view name) {
  return !name.ends_with(".conv.7.weight") && !name.ends_with(".conv.7.bias");
}

}  // namespace

AngleTable make_angle_table(const SegmentTable& segments, const std::vector<AngleSums>& sums) {
  check_sums(segments, sums);
  AngleTable table;
  std::array<std::int64_t, kBlockCount> channels{};
  for (int i = 0; i < segments.size(); ++i) {
    const Segment& segment = segments[i];
    const AngleSums& sum = sums[std::size_t(i)];
    if (segment.edge < 0) {
      const bool in = holds(kFixedIn, segment.name);
      RLNAS_CHECK(in || holds(kFixedOut, segment.name), run_failed, "tensor ", segment.name,
                  " is not one of the MobileNet space's");
      if (in) table.fixed += sum;
      continue;
    }
    RLNAS_CHECK(
        segment.cell >= 0 && segment.cell < kBlockCount && segment.op >= 0 && segment.op < kConvOpCount,
        run_failed, "tensor ", segment.name, " is in block ", segment.cell, ", op ", segment.op,
        ": not in this space");
    const std::size_t block = std::size_t(segment.cell);
    if (segment.name.ends_with(".conv.0.weight")) channels[block] = segment.shape.at(1);
    if (in_vector(segment.name)) table.sums[block][std::size_t(segment.op)] += sum;
  }
  for (std::size_t b = 0; b < kBlockCount; ++b) {
    for (std::size_t op = 0; op < kConvOpCount; ++op) {
      table.op_angle_rad[b][op] = rlnas::angle_rad(table.sums[b][op]);
    }
    // The identity matrix has C ones, the same before and after training.
    const double ones = kBlocks[b].opens_stage ? 0.0 : double(channels[b]);
    table.sums[b][std::size_t(Op::identity)] = {ones, ones, ones};
  }
  return table;
}

double angle_rad(const AngleTable& table, const Architecture& architecture) {
  return rlnas::angle_rad(sums_of(table, architecture));
}

double op_angle_sum(const AngleTable& table, const Architecture& architecture) {
  double total = 0.0;
  for (std::size_t b = 0; b < kBlockCount; ++b) {
    total += table.op_angle_rad[b][std::size_t(architecture.ops[b])];
  }
  return total;
}

double score(const AngleTable& table, const Architecture& architecture, ScoreKind kind) {
  return kind == ScoreKind::angle ? angle_rad(table, architecture) : op_angle_sum(table, architecture);
}

}  // namespace rlnas::mobilenet
