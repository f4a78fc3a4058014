// ZiCo (Li et al., ICLR 2023): gradients that are large and much the same for two batches. Of each layer the
// logarithm of the sum over its weights of mean |g| / deviation of g; weights whose gradient does not change
// at all do not count.
#include <algorithm>
#include <array>
#include <cmath>

#include "search/indicators/gradients.h"
#include "search/indicators/groups.h"

namespace rlnas {
namespace {

class Zico final : public IndicatorGroup {
 public:
  std::span<const IndicatorInfo> infos() const override {
    static constexpr std::array<IndicatorInfo, 1> list{
        IndicatorInfo{.name = "zico",
                      .key = "zico",
                      .help = "ZiCo: size over spread of two batches' gradients",
                      .heading = "    zico",
                      .format = "%8.2f",
                      .needs = {.network = true}}};
    return list;
  }
  void measure(const Measuring& with, const Genes& genes, std::span<double> values) const override {
    Probe::Network& network = with.probe->network(genes);
    const Program program = network.program({});
    std::vector<float>& before = with.probe->scratch(network.weights.size());
    std::ranges::copy(gradients_of(network, program, with.probe->batch(0)).values(), before.begin());
    const Executor::HostView view = gradients_of(network, program, with.probe->batch(1));
    double score = 0.0;
    for_each_layer(network, [&](std::size_t first, std::size_t count) {
      const float *const a = before.data(), *const b = view.values().data();
      double sum = 0.0;
      for (std::size_t i = first; i < first + count; ++i) {
        // Of two values: half their sum and half their difference.
        const double difference = std::abs(double(a[i]) - b[i]);
        if (difference > 0.0) sum += (std::abs(double(a[i])) + std::abs(double(b[i]))) / difference;
      }
      if (sum > 0.0) score += std::log(sum);
    });
    values[0] = score;
  }
};

}  // namespace

std::unique_ptr<IndicatorGroup> make_zico() {
  return std::make_unique<Zico>();
}

}  // namespace rlnas
