// The networks of an own search space: their sizes, the places where something is chosen, and their graphs
// (builder.h), of a stem, stages of cells or of blocks, and a head.
#pragma once

#include <deque>
#include <span>
#include <string>
#include <vector>

#include "search/space.h"
#include "search/space_file/choice_names.h"
#include "search/space_file/description.h"

namespace rlnas::space_file {

class Network {
 public:
  explicit Network(const Description& description);

  Graph graph(const NetworkOptions& options, std::span<const Genes> paths) const;
  std::vector<ChoiceSite> sites(const NetworkOptions& options) const;
  int searchable_cells(const NetworkOptions& options) const;  // that can have paths of their own
  int image_halvings() const;                                 // from the image to the last feature map
  const Description& description() const { return description_; }
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

  // With the sizes of the network's kind where the options leave them open; all below take such.
  NetworkOptions sized(NetworkOptions options) const;
  int repeats(std::size_t stage, const NetworkOptions& options) const;  // cells behind the opening
  int width(int channels, const NetworkOptions& options) const;

  // That graphs point to.
  const std::string& stage_name(std::size_t stage) const { return stage_names_[stage]; }
  const std::string& opening_name(std::size_t stage) const { return opening_names_[stage]; }
  std::string choice_name(const ChoicePlace& place) const { return choice_names_.of(place); }

 private:
  CellSpec spec_of(std::size_t kind);
  bool halves(std::size_t kind) const;  // opens a stage that halves the image
  void check(const NetworkOptions& options, std::span<const Genes> paths) const;

  const Description& description_;
  ChoiceNames choice_names_;
  std::vector<CellSpec> cells_;
  std::vector<Block> blocks_;
  std::deque<std::string> words_;  // that cells point to
  std::vector<std::string> stage_names_, opening_names_;
};

}  // namespace rlnas::space_file
