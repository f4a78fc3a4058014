// SWAP (Peng et al., ICLR 2024): how many different patterns, each what one activation does for 16 images,
// there are in a network whose weights are standard normal. Published: the mean of 32 draws.
#include <algorithm>
#include <array>

#include "search/activation_codes.h"
#include "search/indicators/groups.h"
#include "search/probe.h"

namespace rlnas {
namespace {

constexpr int kImages = 16;

class Swap final : public IndicatorGroup {
 public:
  std::span<const IndicatorInfo> infos() const override {
    static constexpr std::array<IndicatorInfo, 1> list{
        IndicatorInfo{.name = "swap",
                      .key = "swap",
                      .help = "SWAP: patterns of what activations do for 16 images",
                      .heading = "   swap",
                      .format = "%7.0f",
                      .needs = {.network = true, .probe_data = true}}};
    return list;
  }
  void measure(const Measuring& with, const Genes& genes, std::span<double> values) const override {
    Probe::Network& network = with.probe->network(genes, WeightScale::unit);
    const std::vector<int> taps = activations_of(network.graph).nodes;
    const Program::Result result = network.executor.forward(
        network.program({.taps = taps}), with.probe->input(kImages), {.statistics = Statistics::batch});
    std::vector<std::uint8_t> seen(std::size_t{1} << kImages, 0);
    for (const Tensor& tap : result.taps)
      mark_patterns(network.executor.host_view(tap).values(), kImages, seen);
    values[0] = double(std::ranges::count(seen, std::uint8_t{1}));
  }
};

}  // namespace

std::unique_ptr<IndicatorGroup> make_swap() {
  return std::make_unique<Swap>();
}

}  // namespace rlnas
