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
                      .needs = {.network = true}}};
    return list;
  }
  void measure(const Measuring& with, const Genes& genes, std::span<double> values) const override {
    Probe::Network& network = with.probe->network(genes);
    const Program program = network.program({});
    // Sums and squares of each weight, side by side.
    std::vector<double>& sums = with.probe->double_scratch(2 * network.weights.size());
    for (int b = 0; b < kBatches; ++b) {
      const Executor::HostView view = gradients_of(network, program, with.probe->batch(b));
      const float* const g = view.values().data();
      for_each_layer(network, [&](std::size_t first, std::size_t count) {
        for (std::size_t i = first; i < first + count; ++i) {
          const double value = g[i];
          sums[2 * i] = (b == 0 ? 0.0 : sums[2 * i]) + value;
          sums[2 * i + 1] = (b == 0 ? 0.0 : sums[2 * i + 1]) + value * value;
        }
      });
    }
    double score = 0.0;
    for_each_layer(network, [&](std::size_t first, std::size_t count) {
      for (std::size_t i = first; i < first + count; ++i) {
        const double mean = sums[2 * i] / kBatches, square = sums[2 * i + 1] / kBatches;
        score += mean * mean / (square - mean * mean + kXi);
      }
    });
    values[0] = score;
  }
};

}  // namespace

std::unique_ptr<IndicatorGroup> make_gradient_snr() {
  return std::make_unique<GradientSnr>();
}

}  // namespace rlnas
