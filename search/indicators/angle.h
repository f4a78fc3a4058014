// How far the weights turned. Source: method.md 7.
#pragma once

#include "search/indicator.h"
#include "search/search_space.h"

namespace rlnas {

// Of the whole weight vector, with path multiplicities: the published score.
class Angle final : public Indicator {
 public:
  const IndicatorInfo& info() const override {
    static constexpr IndicatorInfo info{
        "angle",    "angle_rad", "angle between the initial and the trained weight vector (published)",
        "   angle", "%8.6f",     1.0,
        false,      true,        true};
    return info;
  }
  double score(const SearchSpace& space, const Genes& genes) const override { return space.angle_rad(genes); }
};

class OpAngleSum final : public Indicator {
 public:
  const IndicatorInfo& info() const override {
    static constexpr IndicatorInfo info{
        "op-angle-sum", "op_angle_sum", "sum of each live operation's own angle",
        "op-a.-sum",    "%9.6f",        1.0,
        false,          true,           false};
    return info;
  }
  double score(const SearchSpace& space, const Genes& genes) const override {
    return space.op_angle_sum(genes);
  }
};

}  // namespace rlnas
