// Counts of the stand-alone network: the baselines that every indicator has to beat.
#pragma once

#include "search/indicator.h"
#include "search/search_space.h"

namespace rlnas {

class Macs final : public Indicator {
 public:
  const IndicatorInfo& info() const override {
    static constexpr IndicatorInfo info{.name = "macs",
                                        .key = "macs",
                                        .help = "multiply-accumulates",
                                        .heading = "  MFLOPs",
                                        .format = "%8.2f",
                                        .unit = 1e6,
                                        .is_count = true};
    return info;
  }
  double score(const SearchSpace& space, const Genes& genes) const override {
    return double(space.macs(genes));
  }
};

class Params final : public Indicator {
 public:
  const IndicatorInfo& info() const override {
    static constexpr IndicatorInfo info{.name = "params",
                                        .key = "params",
                                        .help = "parameters",
                                        .heading = "   params",
                                        .format = "%9.0f",
                                        .is_count = true};
    return info;
  }
  double score(const SearchSpace& space, const Genes& genes) const override {
    return double(space.params(genes));
  }
};

class Layers final : public Indicator {
 public:
  const IndicatorInfo& info() const override {
    static constexpr IndicatorInfo info{.name = "layers",
                                        .key = "layers",
                                        .help = "convolutions and the classifier",
                                        .heading = "layers",
                                        .format = "%6.0f",
                                        .is_count = true};
    return info;
  }
  double score(const SearchSpace& space, const Genes& genes) const override {
    return double(space.layers(genes));
  }
};

}  // namespace rlnas
