// GradSign (Zhang and Jia, ICLR 2022): how far single images agree about the direction of every weight; each
// image has its own pass, and its own statistics.
#include <algorithm>
#include <array>
#include <cmath>

#include "search/indicators/gradients.h"
#include "search/indicators/groups.h"

namespace rlnas {
namespace {

class GradSign final : public IndicatorGroup {
 public:
  std::span<const IndicatorInfo> infos() const override {
    static constexpr std::array<IndicatorInfo, 1> list{
        IndicatorInfo{.name = "grad-sign",
                      .key = "grad_sign",
                      .help = "GradSign: agreement of the signs of single images' gradients",
                      .heading = "g.-sign",
                      .format = "%7.4f",
                      .needs = {.network = true, .probe_data = true}}};
    return list;
  }
  void measure(const Measuring& with, const Genes& genes, std::span<double> values) const override {
    Probe::Network& network = with.probe->network(genes);
    const Program program = network.program({});
    std::vector<float>& signs = with.probe->scratch(network.weights.size());  // whole numbers
    std::ranges::fill(signs, 0.0f);
    for (int image = 0; image < with.probe->options().batch; ++image) {
      const Executor::HostView view = gradients_of(network, program, with.probe->data_part(image, 1));
      const float* const g = view.values().data();
      for (std::size_t i = 0; i < signs.size(); ++i) signs[i] += float(g[i] > 0.0f) - float(g[i] < 0.0f);
    }
    double sum = 0.0, weights = 0.0;
    for_each_layer(network, [&](std::size_t first, std::size_t count) {
      for (std::size_t i = first; i < first + count; ++i) sum += std::abs(signs[i]);
      weights += double(count);
    });
    values[0] = sum / weights;
  }
};

}  // namespace

std::unique_ptr<IndicatorGroup> make_grad_sign() {
  return std::make_unique<GradSign>();
}

}  // namespace rlnas
