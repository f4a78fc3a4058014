// Flatness of the loss around the trained weights (GeNAS, Jeong et al., IJCAI 2023), by the published program
// and the deviations it is run with, s = .001, .003, .006:
//   L_k: mean cross-entropy of the test images with noise on every weight, norms' scales and shifts and the
//        classifier included; statistics of batch norms as recalibrated without noise.
//   The noise grows: L_1's has deviation s_1, then noise of s_k - s_(k-1) is added to that of L_(k-1). So the
//        total of L_3 is not .006, but the root of .001^2 + .002^2 + .003^2.
//   F = 1 / (L_1 / s_1 + |L_2 - L_1| / (s_2 - s_1) + |L_3 - L_2| / (s_3 - s_2) + 1e-5)
// The first term counts a loss without noise as 0. It is by far the largest where the noise does little, and
// F is then little else than the inverse of the loss. One thing is ours: the noise is the same for all
// architectures, not drawn anew for each.
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "search/indicators/groups.h"
#include "search/supernet_probe.h"

namespace rlnas {
namespace {

constexpr std::array kDeviations{0.001, 0.003, 0.006};

class Flatness final : public IndicatorGroup {
 public:
  std::span<const IndicatorInfo> infos() const override {
    static constexpr std::array<IndicatorInfo, 1> list{IndicatorInfo{
        .name = "flatness",
        .key = "flatness",
        .help = "GeNAS: how little noise on the weights changes the loss, on the images of accuracy",
        .heading = "  flatness",
        .format = "%10.4e",
        .needs = {.weights = true, .images = true, .labels = true}}};
    return list;
  }
  void measure(const Measuring& with, const Genes& genes, std::span<double> values) const override {
    std::vector<double> added;
    double before = 0.0;
    for (const double deviation : kDeviations) added.push_back(deviation - std::exchange(before, deviation));
    double steepness = 0.0, loss_before = 0.0;
    const std::vector<std::vector<float>>& noised = with.supernet->data().noised_weights(added);
    for (std::size_t k = 0; k < added.size(); ++k) {
      const TestCounts counts = with.supernet->test(genes, noised[k]);
      const double loss = counts.share(counts.loss);
      steepness += std::abs(loss - loss_before) / added[k];
      loss_before = loss;
    }
    values[0] = std::isnan(steepness) ? -std::numeric_limits<double>::infinity() : 1.0 / (steepness + 1e-5);
  }
};

}  // namespace

std::unique_ptr<IndicatorGroup> make_flatness() {
  return std::make_unique<Flatness>();
}

}  // namespace rlnas
