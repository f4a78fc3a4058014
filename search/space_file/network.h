// The networks of an own search space: its stem, its stages of cells or of blocks, its head.
#pragma once

#include <deque>
#include <span>
#include <string>
#include <vector>

#include "search/space.h"
#include "search/space_file/description.h"

namespace rlnas::space_file {

class Network {
 public:
  explicit Network(const Description& description);

  Graph graph(const NetworkOptions& options, std::span<const Genes> paths) const;
  std::vector<ChoiceSite> sites(const NetworkOptions& options) const;
  int searchable_cells(const NetworkOptions& options) const;  // that can have paths of their own
  int image_halvings() const;                                 // from the image to the last feature map
  const std::vector<CellSpec>& cells() const { return cells_; }

  // Of a chain: a block for each gene.
  struct Block {
    int stage = 0;
    int in = 0;
    int stride = 1;
    bool opens_stage = false;
    bool changes_shape = false;
    int reduction = 1;                   // side of the image over side of its input
    std::vector<const Choice*> choices;  // that it offers
  };
  const std::vector<Block>& blocks() const { return blocks_; }

 private:
  friend class Builder;
  int repeats(const Stage& stage, const NetworkOptions& options) const;
  int width(int channels, const NetworkOptions& options) const;

  CellSpec spec_of(const Cell& cell, bool only_kind);

  const Description& description_;
  std::vector<CellSpec> cells_;
  std::vector<Block> blocks_;
  std::deque<std::string> words_, stage_names_, opening_names_;  // that cells and graphs point to
};

}  // namespace rlnas::space_file
