// NASWOT (Mellor et al., ICML 2021): how differently the images of a batch open the network's activations:
// ln |det K|, K the number of activations that two images open or close alike.
#include <array>

#include "search/activation_codes.h"
#include "search/dense.h"
#include "search/indicators/groups.h"
#include "search/probe.h"

namespace rlnas {
namespace {

class Naswot final : public IndicatorGroup {
 public:
  std::span<const IndicatorInfo> infos() const override {
    static constexpr std::array<IndicatorInfo, 1> list{
        IndicatorInfo{.name = "naswot",
                      .key = "naswot",
                      .help = "NASWOT: how differently images open the activations",
                      .heading = "  naswot",
                      .format = "%8.2f",
                      .needs = {.network = true, .probe_data = true}}};
    return list;
  }
  void measure(const Measuring& with, const Genes& genes, std::span<double> values) const override {
    Probe::Network& network = with.probe->network(genes);
    const Activations activations = activations_of(network.graph);
    const Tensor images = with.probe->input();
    const Program::Result result = network.executor.forward(network.program({.taps = activations.nodes}),
                                                            images, {.statistics = Statistics::batch});
    std::vector<double> agreements(std::size_t(images.n()) * std::size_t(images.n()), 0.0);
    for (std::size_t a = 0; a < activations.nodes.size(); ++a)
      add_agreements(network.executor.host_view(result.taps[a]).values(), images.n(), activations.copies[a],
                     agreements);
    values[0] = log_abs_determinant(agreements, images.n());
  }
};

}  // namespace

std::unique_ptr<IndicatorGroup> make_naswot() {
  return std::make_unique<Naswot>();
}

}  // namespace rlnas
