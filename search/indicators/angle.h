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
        .name = "angle",
        .key = "angle_rad",
        .help = "angle between the initial and the trained weight vector (published)",
        .heading = "   angle",
        .format = "%8.6f",
        .adds_up = true};
    return info;
  }
  double score(const SearchSpace& space, const Genes& genes) const override { return space.angle_rad(genes); }
};

class OpAngleSum final : public Indicator {
 public:
  const IndicatorInfo& info() const override {
    static constexpr IndicatorInfo info{.name = "op-angle-sum",
                                        .key = "op_angle_sum",
                                        .help = "sum of each live operation's own angle",
                                        .heading = "op-a.-sum",
                                        .format = "%9.6f"};
    return info;
  }
  double score(const SearchSpace& space, const Genes& genes) const override {
    return space.op_angle_sum(genes);
  }
};

}  // namespace rlnas
