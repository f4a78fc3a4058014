// What a NAS-Bench-201 cell costs and how its paths run: MACs and parameters of the stand-alone network, live
// paths, path multiplicities and the length of the angle vector.
// Source: method.md 3.1, 7.2-7.4, 16.4.
#pragma once

#include <array>
#include <cstdint>

#include "search/nasbench201/cell.h"

namespace rlnas::nasbench201 {

// The macro network: three stages of five cells, a stride-2 residual block before the second and third stage.
inline constexpr int kInputChannels = 3;
inline constexpr std::array<int, 3> kStageChannels{16, 32, 64};
inline constexpr int kCellsPerStage = 5;
inline constexpr int kNetworkCells = 17;  // residual blocks (5 and 11) included

constexpr bool is_residual_cell(int cell) {
  return cell % (kCellsPerStage + 1) == kCellsPerStage;
}
// Channels that leave cell 0..16.
constexpr int cell_channels(int cell) {
  return kStageChannels[std::size_t(cell + 1) / (kCellsPerStage + 1)];
}

// Multiply-accumulates of the stand-alone network on one image; edges off every path count too.
// Errors: usage unless image_size is a positive multiple of 4 and classes is positive.
std::int64_t macs(const Cell& cell, int classes, int image_size);

// Parameters of the stand-alone network, batch norms included; edges off every path count too.
std::int64_t params(const Cell& cell, int classes);

// For each edge, the number of input -> output paths without a none that run over it.
std::array<int, kEdgeCount> path_multiplicity(const Cell& cell);

// Number of input -> output paths without a none, 0..4.
int live_paths(const Cell& cell);

// Entries of the published weight vector; 0 for a cell without a live path, which has no angle.
std::int64_t angle_vector_length(const Cell& cell, int classes);

}  // namespace rlnas::nasbench201
