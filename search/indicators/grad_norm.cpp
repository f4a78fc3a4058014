// GradNorm and SNIP (as in Abdelfattah et al., ICLR 2021): the size of one batch's gradient, by itself and
// against the weights.
#include <array>
#include <cmath>

#include "search/indicators/gradients.h"
#include "search/indicators/groups.h"

namespace rlnas {
namespace {

class GradNorm final : public IndicatorGroup {
 public:
  std::span<const IndicatorInfo> infos() const override {
    static constexpr std::array<IndicatorInfo, 2> list{
        IndicatorInfo{.name = "grad-norm",
                      .key = "grad_norm",
                      .help = "norm of the loss's gradient",
                      .heading = "grad-norm",
                      .format = "%9.4f",
                      .needs = {.network = true, .probe_data = true}},
        IndicatorInfo{.name = "snip",
                      .key = "snip",
                      .help = "SNIP: sum over weights of |weight x gradient|",
                      .heading = "     snip",
                      .format = "%9.4f",
                      .needs = {.network = true, .probe_data = true}}};
    return list;
  }
  void measure(const Measuring& with, const Genes& genes, std::span<double> values) const override {
    Probe::Network& network = with.probe->network(genes);
    const Executor::HostView view = gradients_of(network, network.program({}), with.probe->data(0));
    const float* const g = view.values().data();
    double square = 0.0, salience = 0.0;
    for (const Segment& segment : network.layout.tensors().parameters())
      for (std::int64_t i = segment.offset; i < segment.offset + segment.count; ++i)
        square += double(g[i]) * g[i];
    for_each_layer(network, [&](std::size_t first, std::size_t count) {
      for (std::size_t i = first; i < first + count; ++i)
        salience += std::abs(double(network.weights[i]) * g[i]);
    });
    values[0] = std::sqrt(square);
    values[1] = salience;
  }
};

}  // namespace

std::unique_ptr<IndicatorGroup> make_grad_norm() {
  return std::make_unique<GradNorm>();
}

}  // namespace rlnas
