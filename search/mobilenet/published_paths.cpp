#include "search/mobilenet/published_paths.h"

#include <optional>

#include "engine/mt19937.h"
#include "search/mobilenet/architecture.h"

namespace rlnas::mobilenet {
namespace {

// The images that got a label, and the label seed, which is not the training seed.
constexpr int kPublishedLabels = 1281167, kPublishedClasses = 1000;
constexpr std::uint32_t kPublishedLabelSeed = 0;

class PathSampler {
 public:
  Genes path(std::int64_t step) {
    if (!random_ || step < next_step_) {
      random_.emplace(kPublishedLabelSeed);
      for (int i = 0; i < kPublishedLabels; ++i) random_->randint(kPublishedClasses);
      next_step_ = 0;
    }
    for (; next_step_ < step; ++next_step_) draw();
    ++next_step_;
    return draw();
  }

 private:
  Genes draw() {
    Genes genes;
    for (const Block& block : kBlocks)
      genes.push_back(std::int8_t(random_->randint(std::uint32_t(block.options()))));
    return genes;
  }

  std::optional<NumpyRandom> random_;
  std::int64_t next_step_ = 0;
};

}  // namespace

StepPaths published_paths() {
  return
      [sampler = PathSampler()](std::int64_t step) mutable { return std::vector<Genes>{sampler.path(step)}; };
}

}  // namespace rlnas::mobilenet
