// xi-GSNR (Sun et al., 2023): the squared mean of every weight's gradient over its variance, from batch to
// batch, summed.
#include <array>

#include "search/indicators/gradients.h"
#include "search/indicators/groups.h"

namespace rlnas {
namespace {

constexpr int kBatches = 8;
constexpr double kXi = 1e-8;

class GradientSnr final : public IndicatorGroup {
 public:
  std::span<const IndicatorInfo> infos() const override {
    static constexpr std::array<IndicatorInfo, 1> list{
        IndicatorInfo{.name = "gradient-snr",
                      .key = "gradient_snr",
                      .help = "xi-GSNR: signal to noise of eight batches' gradients",
                      .heading = "   g.-snr",
                      .format = "%9.1f",
                      .needs = {.network = true, .probe_data = true}}};
    return list;
  }
  void measure(const Measuring& with, const Genes& genes, std::span<double> values) const override {
    Probe::Network& network = with.probe->network(genes);
    const std::span<const GradientMoments> moments = gradient_moments(*with.probe, network, kBatches);
    double score = 0.0;
    for_each_layer(network, [&](std::size_t first, std::size_t count) {
      for (const GradientMoments& m : moments.subspan(first, count))
        score += m.mean * m.mean / (m.variance + kXi);
    });
    values[0] = score;
  }
};

}  // namespace

std::unique_ptr<IndicatorGroup> make_gradient_snr() {
  return std::make_unique<GradientSnr>();
}

}  // namespace rlnas
