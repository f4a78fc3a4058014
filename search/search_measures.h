// All that a search measures with on one rank: devices, networks with fresh weights, and the indicators of
// its score.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/device.h"
#include "search/indicator_measure.h"
#include "search/probe.h"
#include "search/score.h"
#include "search/search_space.h"

namespace rlnas {

// What networks with fresh weights are looked at with.
struct ProbeConfig {
  int batch = 64;          // images
  int draws = 1;           // of weights and inputs that values are averaged over
  std::uint64_t seed = 0;  // of them all

  friend bool operator==(const ProbeConfig&, const ProbeConfig&) = default;
};

struct SearchDevice {
  std::string name = "cpu";
  int threads = 0;  // 0: all
};

// How values were measured, for tables of them.
std::string stamp_of(const SpaceSpec& space, const ProbeConfig& probe);

// Candidates shared out over workers: on the CPU one for each thread, as far as memory goes, since one
// network is too small a piece of work for several threads.
class SearchMeasures {
 public:
  // Errors: usage for a probe out of range; device.
  SearchMeasures(const SearchSpace& space, const Score& score, const ProbeConfig& probe,
                 const SearchDevice& device);
  ~SearchMeasures();

  bool measures() const { return computed().values() > 0; }  // anything at all
  PartialMeasure& computed() const;                          // those of the score that are measured
  Measure& quick() { return quick_; }                        // the others

 private:
  class Workers;
  struct Worker;

  IndicatorMeasure quick_;
  std::unique_ptr<Workers> workers_;
};

}  // namespace rlnas
