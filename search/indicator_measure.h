// Candidates measured by indicators: computed here, shared out over ranks, or taken from what was measured
// before.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/comm/communicator.h"
#include "engine/interruption.h"
#include "search/evolution.h"
#include "search/indicator.h"
#include "search/network_classes.h"
#include "search/score_book.h"
#include "search/search_space.h"

namespace rlnas {

// A measure that can leave some of its values out: they are NaN then.
class PartialMeasure : public Measure {
 public:
  // Bit k: value k is wanted.
  virtual std::vector<double> measure_some(std::span<const Genes> candidates, std::uint64_t wanted) = 0;
  std::vector<double> measure(std::span<const Genes> candidates) override {
    return measure_some(candidates, ~std::uint64_t{0});
  }
};

// Computes them, one candidate after the other.
class IndicatorMeasure final : public PartialMeasure {
 public:
  // `draws`: networks of fresh weights that an indicator of the network is averaged over.
  IndicatorMeasure(const Measuring& with, const std::vector<std::string>& indicators, int draws = 1);
  int values() const override { return int(places_.size()); }
  std::vector<double> measure_some(std::span<const Genes> candidates, std::uint64_t wanted) override;

 private:
  struct Place {
    std::size_t group;
    std::size_t member;
  };
  struct Group {
    const IndicatorGroup* indicators;
    bool of_network;
    std::vector<double> values, draw;
    bool wanted = true;
  };
  void measure_group(Group& group, const Genes& genes, bool alive);

  Measuring with_;
  int draws_;
  std::vector<Group> groups_;
  std::vector<Place> places_;  // of each value
};

// Rank 0's: every rank computes its share of the candidates with a measure of its own.
class ShardedMeasure final : public PartialMeasure {
 public:
  ShardedMeasure(PartialMeasure& own, Communicator& communicator) : own_(own), communicator_(communicator) {}
  int values() const override { return own_.values(); }
  std::vector<double> measure_some(std::span<const Genes> candidates, std::uint64_t wanted) override;
  // The search is over: lets the others go.
  void finish();

 private:
  PartialMeasure& own_;
  Communicator& communicator_;
};
// The others': measures what rank 0 asks for until it says that the search is over.
void serve_measure(PartialMeasure& own, int gene_count, Communicator& communicator);

struct MeasureProgress {
  std::int64_t done = 0, total = 0;  // networks of this call that had to be computed
  double seconds = 0.0;
};
struct MeasureHooks {
  std::function<bool()> stops = {};  // asked all along; then the search ends with Interrupted, what was
                                     // measured having been saved
  std::function<void(const MeasureProgress&)> progress = {};
  std::function<void(const ScoreBook&)> save = {};  // now and then, and before it ends
  GenerationObserver generation = {};               // of evolution and random search, after each
};

// Of all indicators of a score: takes from the book what is there, lets `computed` do the rest, once for all
// candidates that are the same network, and keeps it.
class BookedMeasure final : public Measure {
 public:
  // `computed`: of those of `indicators` that are measured; `quick`: of the others; both in their order.
  BookedMeasure(std::vector<std::string> indicators, PartialMeasure& computed, Measure& quick,
                ScoreBook& book, MeasureHooks hooks, std::shared_ptr<const NetworkClasses> classes);
  int values() const override { return int(indicators_.size()); }
  std::vector<double> measure(std::span<const Genes> candidates) override;

  const NetworkClasses& classes() const { return *classes_; }
  std::int64_t computed() const { return computed_count_; }  // candidates, so far

 private:
  std::uint64_t missing_of(const Genes& genes) const;
  void compute(const std::vector<Genes>& missing);

  std::vector<std::string> indicators_, measured_;
  PartialMeasure& computed_;
  Measure& quick_;
  ScoreBook& book_;
  MeasureHooks hooks_;
  std::shared_ptr<const NetworkClasses> classes_;
  std::int64_t computed_count_ = 0;
};

// The architecture that a measured value is kept under: the same for all that are the same network, where
// only the network counts.
Genes book_key(const NetworkClasses& classes, std::string_view indicator, const Genes& genes);

}  // namespace rlnas
