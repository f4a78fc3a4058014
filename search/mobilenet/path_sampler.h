// Draws the architecture of a training step: every block uniform over its six or seven options, without
// regard to FLOPs. Source: method.md 6 (Sampling), 15.6.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/mt19937.h"
#include "rlnas/choices.hpp"
#include "search/mobilenet/architecture.h"

namespace rlnas::mobilenet {

class PathSampler {
 public:
  // Compat::none: a function of (seed, step) alone. Compat::megvii: the published draws, from the NumPy
  // stream that drew the random labels of ImageNet before.
  PathSampler(std::uint64_t seed, Compat compat) : seed_(seed), compat_(compat) {}

  // The path of step 0, 1, 2, ...; any order, though Compat::megvii replays from the start to go back.
  Architecture path(std::int64_t step);

  // Of the published run: the images that got a label and the label seed, which is not the training seed.
  static constexpr int kPublishedLabels = 1281167;
  static constexpr int kPublishedClasses = 1000;
  static constexpr std::uint32_t kPublishedLabelSeed = 0;

 private:
  std::uint64_t seed_;
  Compat compat_;
  std::optional<NumpyRandom> numpy_;
  std::int64_t next_step_ = 0;  // of numpy_
};

}  // namespace rlnas::mobilenet
