// Accuracy with inherited weights (Single Path One-Shot, Guo et al., ECCV 2020): the share of test images
// that the SuperNet tells right along the path of an architecture, after the statistics of the batch norms on
// this path have been taken anew from training images. Those that training leaves are averages over all paths
// and fit none: with them the order of architectures is all but random (Kendall tau .04 on NAS-Bench-201,
// method.md 11.5). Which images and labels: search/supernet_data.h.
#include <array>

#include "search/indicators/groups.h"
#include "search/supernet_probe.h"

namespace rlnas {
namespace {

class Accuracy final : public IndicatorGroup {
 public:
  std::span<const IndicatorInfo> infos() const override {
    static constexpr std::array<IndicatorInfo, 1> list{IndicatorInfo{
        .name = "accuracy",
        .key = "accuracy",
        .help = "Single Path One-Shot: top-1 with the SuperNet's weights (0..1), on held-out images, "
                "or on training images where its labels are random",
        .heading = "accuracy",
        .format = "%8.5f",
        .needs = {.weights = true, .images = true, .labels = true}}};
    return list;
  }
  void measure(const Measuring& with, const Genes& genes, std::span<double> values) const override {
    const TestCounts counts = with.supernet->test(genes);
    values[0] = counts.share(double(counts.top1));
  }
};

}  // namespace

std::unique_ptr<IndicatorGroup> make_accuracy() {
  return std::make_unique<Accuracy>();
}

}  // namespace rlnas
