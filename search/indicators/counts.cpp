// Counts of the stand-alone network: the baselines that every indicator has to beat.
#include <array>

#include "search/indicators/groups.h"
#include "search/search_space.h"

namespace rlnas {
namespace {

class Counts final : public IndicatorGroup {
 public:
  std::span<const IndicatorInfo> infos() const override {
    static constexpr std::array<IndicatorInfo, 3> list{
        IndicatorInfo{.name = "macs",
                      .key = "macs",
                      .help = "multiply-accumulates",
                      .heading = "  MFLOPs",
                      .format = "%8.2f",
                      .unit = 1e6,
                      .is_count = true},
        IndicatorInfo{.name = "params",
                      .key = "params",
                      .help = "parameters",
                      .heading = "   params",
                      .format = "%9.0f",
                      .is_count = true},
        IndicatorInfo{.name = "layers",
                      .key = "layers",
                      .help = "convolutions and the classifier",
                      .heading = "layers",
                      .format = "%6.0f",
                      .is_count = true}};
    return list;
  }
  void measure(const Measuring& with, const Genes& genes, std::span<double> values) const override {
    values[0] = double(with.space.macs(genes));
    values[1] = double(with.space.params(genes));
    values[2] = double(with.space.layers(genes));
  }
};

}  // namespace

std::unique_ptr<IndicatorGroup> make_counts() {
  return std::make_unique<Counts>();
}

}  // namespace rlnas
