// Counts of the stand-alone network: the baselines that every indicator has to beat.
#pragma once

#include "search/indicator.h"
#include "search/search_space.h"

namespace rlnas {

class Macs final : public Indicator {
 public:
  const IndicatorInfo& info() const override {
    static constexpr IndicatorInfo info{
        "macs", "macs", "multiply-accumulates", "  MFLOPs", "%8.2f", 1e6, true, false, false};
    return info;
  }
  double score(const SearchSpace& space, const Genes& genes) const override {
    return double(space.macs(genes));
  }
};

class Params final : public Indicator {
 public:
  const IndicatorInfo& info() const override {
    static constexpr IndicatorInfo info{"params", "params", "parameters", "   params", "%9.0f",
                                        1.0,      true,     false,        false};
    return info;
  }
  double score(const SearchSpace& space, const Genes& genes) const override {
    return double(space.params(genes));
  }
};

class Layers final : public Indicator {
 public:
  const IndicatorInfo& info() const override {
    static constexpr IndicatorInfo info{
        "layers", "layers", "convolutions and the classifier", "layers", "%6.0f", 1.0, true, false, false};
    return info;
  }
  double score(const SearchSpace& space, const Genes& genes) const override {
    return double(space.layers(genes));
  }
};

}  // namespace rlnas
