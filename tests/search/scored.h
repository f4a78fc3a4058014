// Searches by one number: the score() of a test's space, the angle of a real one.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "search/evolution.h"
#include "search/exhaustive.h"
#include "search/search_space.h"

namespace rlnas::test {

class FunctionMeasure final : public Measure {
 public:
  explicit FunctionMeasure(std::function<double(const Genes&)> score) : score_(std::move(score)) {}
  int values() const override { return 1; }
  std::vector<double> measure(std::span<const Genes> candidates) override {
    std::vector<double> values;
    for (const Genes& genes : candidates) values.push_back(score_(genes));
    return values;
  }

 private:
  std::function<double(const Genes&)> score_;
};

template <class Space>
FunctionMeasure measure_of(const Space& space) {
  return FunctionMeasure([&space](const Genes& genes) {
    if constexpr (requires { space.score(genes); })
      return space.score(genes);
    else
      return space.angle_rad(genes);
  });
}

template <class Space>
EvolutionRun evolve_scored(const Space& space, const EvolutionOptions& options,
                           const std::vector<Candidate>& replay = {},
                           const GenerationObserver& observer = {}) {
  FunctionMeasure measure = measure_of(space);
  return evolve(space, measure, options, replay, observer);
}

template <class Space>
std::vector<Candidate> exhaustive_scored(const Space& space) {
  FunctionMeasure measure = measure_of(space);
  return exhaustive_search(space, measure);
}

}  // namespace rlnas::test
