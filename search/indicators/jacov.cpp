// jacov (Mellor et al., 2020): how differently the images of a batch pull at the network: the eigenvalues of
// the correlations between the gradients of each image, which are all one where these have nothing in common.
#include <array>
#include <cmath>
#include <limits>

#include "search/dense.h"
#include "search/indicators/groups.h"
#include "search/probe.h"

namespace rlnas {
namespace {

constexpr double kSmall = 1e-5;

class Jacov final : public IndicatorGroup {
 public:
  std::span<const IndicatorInfo> infos() const override {
    static constexpr std::array<IndicatorInfo, 1> list{
        IndicatorInfo{.name = "jacov",
                      .key = "jacov",
                      .help = "how little the gradients of a batch's images correlate",
                      .heading = "    jacov",
                      .format = "%9.3f",
                      .needs = {.network = true, .probe_data = true}}};
    return list;
  }
  void measure(const Measuring& with, const Genes& genes, std::span<double> values) const override {
    Probe::Network& network = with.probe->network(genes);
    Executor& executor = network.executor;
    const Tensor images = with.probe->input();
    const Program::Result result =
        executor.forward(network.program({.taps = {0}}), images,
                         {.statistics = Statistics::batch, .gradients = true, .weight_gradients = false});
    const Shape logits = result.logits.shape;
    executor.backward(result,
                      executor.tensor(std::vector<float>(logits.count(), 1.0f), logits, Layout::matrix));
    const Executor::HostView gradients = executor.host_view(result.tap_gradients->arrived.front());
    const int count = images.n();
    double score = 0.0;
    for (const double v : symmetric_eigenvalues(
             row_correlations(gradients.values().data(), count, std::int64_t(images.count()) / count), count))
      score -= std::log(v + kSmall) + 1.0 / (v + kSmall);
    values[0] = std::isnan(score) ? -std::numeric_limits<double>::infinity() : score;
  }
};

}  // namespace

std::unique_ptr<IndicatorGroup> make_jacov() {
  return std::make_unique<Jacov>();
}

}  // namespace rlnas
