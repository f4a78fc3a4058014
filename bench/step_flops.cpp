#include "bench/step_flops.h"

#include <array>

#include "search/cell_spec.h"
#include "search/nasbench201/space.h"

namespace rlnas::bench {
namespace {

using namespace nasbench201;

constexpr int kInputChannels = 3, kStages = 3, kCellsPerStage = 5;
constexpr std::array<int, kStages> kStageChannels{16, 32, 64};
constexpr double kPixels = 32 * 32;  // halved on both sides from stage to stage, while channels double

// Multiply-accumulates for one image.
constexpr double kEdge1x1Macs =
    kStageChannels[0] * kStageChannels[0] * kPixels;  // of one cell, in any stage:
static_assert(kStageChannels[1] == 2 * kStageChannels[0] && kStageChannels[2] == 2 * kStageChannels[1]);
constexpr double kStemMacs = 9 * kInputChannels * kStageChannels[0] * kPixels;
constexpr double kBlockMacs =
    (9.0 / 2 + 9 + 1.0 / 2) * kEdge1x1Macs;  // two 3x3 convolutions and the shortcut's 1x1
constexpr double kClassifierMacs = 64 * 10;

double edge_macs(Op op) {
  if (op == Op::nor_conv_3x3) return 9 * kEdge1x1Macs;
  return op == Op::nor_conv_1x1 ? kEdge1x1Macs : 0.0;
}

}  // namespace

double step_gflop(const Cell& cell, int batch, CountedEdges edges) {
  const CellPathTable paths(space().cells().front());
  const Genes genes = genes_of_cell(cell);
  const auto multiplicity = paths.multiplicity(genes);
  double cell_macs = 0.0;
  for (std::size_t e = 0; e < kEdgeCount; ++e)
    if (edges == CountedEdges::all || multiplicity[e] > 0) cell_macs += edge_macs(cell.ops[e]);
  const double inner_macs = 3 * kCellsPerStage * cell_macs + 2 * kBlockMacs;
  const bool gradients_pass = edges == CountedEdges::all || paths.live_paths(genes) > 0;
  // The images need no gradient.
  const double macs =
      3 * kClassifierMacs + (gradients_pass ? 3 * inner_macs + 2 * kStemMacs : inner_macs + kStemMacs);
  return 2.0 * macs * batch / 1e9;
}

}  // namespace rlnas::bench
