// ZiCo (Li et al., ICLR 2023): gradients that are large and much the same for two batches. Of each layer the
// logarithm of the sum over its weights of mean |g| / deviation of g; weights whose gradient does not change
// at all do not count.
#include <array>
#include <cmath>

#include "search/indicators/gradients.h"
#include "search/indicators/groups.h"

namespace rlnas {
namespace {

constexpr int kBatches = 2;

class Zico final : public IndicatorGroup {
 public:
  std::span<const IndicatorInfo> infos() const override {
    static constexpr std::array<IndicatorInfo, 1> list{
        IndicatorInfo{.name = "zico",
                      .key = "zico",
                      .help = "ZiCo: size over spread of two batches' gradients",
                      .heading = "    zico",
                      .format = "%8.2f",
                      .needs = {.network = true, .probe_data = true}}};
    return list;
  }
  void measure(const Measuring& with, const Genes& genes, std::span<double> values) const override {
    values[0] = zico_of(*with.probe, genes, kBatches);
  }
};

}  // namespace

double zico_of(Probe& probe, const Genes& genes, int batches) {
  Probe::Network& network = probe.network(genes);
  const std::span<const GradientMoments> moments = gradient_moments(probe, network, batches);
  double score = 0.0;
  for_each_layer(network, [&](std::size_t first, std::size_t count) {
    double sum = 0.0;
    for (const GradientMoments& m : moments.subspan(first, count))
      if (m.variance > 0.0) sum += m.size / std::sqrt(m.variance);
    if (sum > 0.0) score += std::log(sum);
  });
  return score;
}

std::unique_ptr<IndicatorGroup> make_zico() {
  return std::make_unique<Zico>();
}

}  // namespace rlnas
