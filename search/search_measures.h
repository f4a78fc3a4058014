// All that a search measures with on one rank: devices, networks with fresh weights, and the indicators of
// its score.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/device.h"
#include "rlnas/search_options.hpp"
#include "search/indicator_measure.h"
#include "search/probe.h"
#include "search/score.h"
#include "search/search_space.h"
#include "search/supernet_probe.h"

namespace rlnas {

// Candidates shared out over workers: on the CPU one for each thread, as far as memory goes, since one
// network is too small a piece of work for several threads.
class SearchMeasures {
 public:
  // `supernet`: of a score that needs its weights; must outlive this. Errors: usage for a probe out of range;
  // device; those of ProbeImages.
  SearchMeasures(const SearchSpace& space, const Score& score, const ProbeConfig& probe,
                 const SearchDevice& device, const SuperNetData* supernet = nullptr);
  ~SearchMeasures();

  bool measures() const { return computed().values() > 0; }  // anything at all
  PartialMeasure& computed() const;                          // those of the score that are measured
  Measure& quick() { return quick_; }                        // the others
  // With SearchDevice::profile: a table of where the time of a network goes, of this rank's workers together.
  std::string profile() const;
  // How values of an indicator are measured, for tables of them.
  std::string stamp_of(const std::string& indicator) const;

 private:
  class Workers;
  struct Worker;

  const SearchSpace& space_;
  ProbeConfig probe_;
  const SuperNetData* supernet_;
  std::unique_ptr<const ProbeImages> images_;  // null: noise
  IndicatorMeasure quick_;
  std::unique_ptr<Workers> workers_;
};

}  // namespace rlnas
