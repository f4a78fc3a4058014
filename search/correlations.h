// How well scores of architectures agree with true accuracies.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "search/ground_truth.h"
#include "search/ranking.h"
#include "search/space.h"

namespace rlnas {

// One score, whatever it is, over some architectures.
struct Agreement {
  RankCorrelation all;
  RankCorrelation live;  // over those whose every operation lies on a path from input to output
  // Kendall's tau-b within groups of equal MACs, the mean over groups of at least ten by their size: what a
  // score knows that MACs do not. NaN where there is no such group.
  double equal_macs = 0.0;
};

// Of one column of true accuracies.
struct ColumnCorrelation {
  std::string column;
  std::vector<Agreement> indicators;            // of SearchReport::indicators
  Agreement score;                              // of the score searched for
  Standing best;                                // of the architecture found
  double best_of_top = 0.0, mean_of_top = 0.0;  // accuracy of those listed
};

// Whether every operation of an architecture lies on a path from input to output; always, where there are no
// cells.
class LiveOperations {
 public:
  explicit LiveOperations(const Space& space);
  bool only(const Genes& genes) const;

 private:
  const std::vector<CellSpec>& cells_;
  std::vector<CellPathTable> paths_;  // of each kind of cell
};

// Architectures that scores are compared over.
class Comparison {
 public:
  struct Item {
    Genes genes;
    std::int64_t macs = 0;
  };
  Comparison(const Space& space, const std::vector<Item>& items);

  std::size_t live_count() const { return live_.size(); }
  // Shapes: score and truth [items].
  Agreement agreement(std::span<const double> score, std::span<const double> truth) const;

 private:
  std::vector<std::size_t> live_;                 // places of items
  std::vector<std::vector<std::size_t>> groups_;  // of equal MACs
};

}  // namespace rlnas
