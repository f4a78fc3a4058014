// The paths of the MobileNet space as its own sampler draws them, and its limit.
#pragma once

#include <cstdint>

#include "search/mobilenet/space.h"

namespace rlnas::mobilenet {

inline constexpr std::int64_t kPublishedMaxFlops = 475'000'000;

class PathSampler {
 public:
  PathSampler(std::uint64_t seed, Compat compat)
      : paths_(space().make_sampler({.seed = seed, .compat = compat})) {}
  Architecture path(std::int64_t step) const { return architecture_of_genes(paths_(step).front()); }

 private:
  StepPaths paths_;
};

}  // namespace rlnas::mobilenet
