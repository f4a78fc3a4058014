// The macro network that repeats the two cells: where reductions are, channels and image sizes of every cell.
// SuperNet and stand-alone networks differ only in depth and width. Source: method.md 4.1, 5, 10.
#pragma once

#include <vector>

#include "search/darts/cell.h"

namespace rlnas::darts {

enum class Preset : std::uint8_t {
  cifar,     // stem: one 3x3 convolution to three times the channels of the first cells
  imagenet,  // stem: three 3x3 convolutions of stride 2; the cells begin at an eighth of the image's size
};

struct NetworkSpec {
  Preset preset = Preset::cifar;
  int classes = 10;
  int channels = 16;  // of the first cells; doubled by each reduction cell
  int cells = 8;      // reduction cells are at a third and two thirds of the depth
  int image_size = 32;
};

NetworkSpec published_supernet(Preset preset);
// The network of the published results: 14 cells of 48 channels on ImageNet; on CIFAR the usual 20 of 36.
NetworkSpec published_stand_alone(Preset preset);

constexpr CellKind cell_kind(int cell, int cells) {
  return cell == cells / 3 || cell == 2 * cells / 3 ? CellKind::reduce : CellKind::normal;
}

struct CellGeometry {
  CellKind kind = CellKind::normal;
  bool reduces_input0 = false;  // preprocess0 is a FactorizedReduce: input 0 is twice as large as input 1
  int input0_channels = 0;
  int input1_channels = 0;
  int channels = 0;  // of every node; the cell's output has four times as many
  int in_size = 0;   // height and width of input 1 and of both preprocessed inputs
  int out_size = 0;  // of the nodes
};

// Errors: usage for a network that cannot be: too few cells, odd channels, an image size that does not halve.
std::vector<CellGeometry> cell_geometries(const NetworkSpec& spec);

// Whether the edge halves its input: those from the cell's inputs in a reduction cell.
constexpr bool is_strided(CellKind kind, int edge) {
  return kind == CellKind::reduce && kEdges[std::size_t(edge)].source < kInputCount;
}

}  // namespace rlnas::darts
