#include "search/mobilenet/path_sampler.h"

#include "engine/philox.h"

namespace rlnas::mobilenet {
namespace {

template <class Below>
Architecture draw(Below below) {
  Architecture architecture;
  for (std::size_t b = 0; b < kBlockCount; ++b) {
    architecture.ops[b] = Op(below(std::uint32_t(kBlocks[b].options())));
  }
  return architecture;
}

}  // namespace

Architecture PathSampler::path(std::int64_t step) {
  if (compat_ == Compat::none) {
    RandomStream random(seed_, "path", std::uint64_t(step));
    return draw([&](std::uint32_t n) { return random.below(n); });
  }
  if (!numpy_ || step < next_step_) {
    numpy_.emplace(kPublishedLabelSeed);
    for (int i = 0; i < kPublishedLabels; ++i) numpy_->randint(kPublishedClasses);
    next_step_ = 0;
  }
  const auto below = [&](std::uint32_t n) { return numpy_->randint(n); };
  for (; next_step_ < step; ++next_step_) draw(below);
  ++next_step_;
  return draw(below);
}

}  // namespace rlnas::mobilenet
