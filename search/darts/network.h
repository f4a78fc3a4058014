// The macro network of the DARTS spaces that repeats the two cells: a stem, cells of which two reduce the
// image, and a classifier. SuperNet and stand-alone networks differ in depth and width, in the norms behind
// pools, which the latter go without, and in what is there for training alone: drop path and an auxiliary
// head. Source: method.md 4.1, 5, 10.
#pragma once

#include <span>
#include <vector>

#include "search/darts/cell.h"
#include "search/space.h"

namespace rlnas::darts {

enum class Preset : std::uint8_t {
  cifar,     // stem: one 3x3 convolution to three times the channels of the first cells
  imagenet,  // stem: three 3x3 convolutions of stride 2; the cells begin at an eighth of the image's size
};

// As published; width and depth only where the options leave them open.
NetworkOptions with_published_size(Preset preset, NetworkOptions options);

constexpr CellKind cell_kind(int cell, int cells) {
  return cell == cells / 3 || cell == 2 * cells / 3 ? CellKind::reduce : CellKind::normal;
}

struct CellGeometry {
  CellKind kind = CellKind::normal;
  bool reduces_input0 = false;  // preprocess0 is a factorised reduction: input 0 is twice as large as input 1
  int channels = 0;             // of every node; the cell's output has four times as many
};

// Errors: usage for a network that cannot be: too few cells, odd channels, an image size that does not halve.
std::vector<CellGeometry> cell_geometries(Preset preset, const NetworkOptions& options);

// Whether the edge halves its input: those from the cell's inputs in a reduction cell.
constexpr bool is_strided(CellKind kind, int edge) {
  return kind == CellKind::reduce && kEdges[std::size_t(edge)].source < kInputCount;
}

// The normal and the reduction cell.
const std::vector<CellSpec>& cell_specs();

Graph network(Preset preset, const NetworkOptions& options, std::span<const Genes> paths);
std::vector<ChoiceSite> choice_sites(Preset preset, const NetworkOptions& options);

}  // namespace rlnas::darts
