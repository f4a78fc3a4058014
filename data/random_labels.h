// The labels RLNAS trains on: one uniform draw per training image, made once and kept for the whole run.
// Source: paper section 3.1; the published code's NumPy draws are the compatible mode.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rlnas {

enum class LabelSource {
  philox,  // the engine's counter-based generator
  numpy,   // np.random.seed(seed); np.random.randint(classes, size=count): --compat megvii
};

// Labels for `count` images in the data set's native order, each in 0..classes-1. NumPy's draws for
// ImageNet16-120, which the published code takes from 1..120, are these plus 1.
// Errors: usage for a class count below 1, or a seed NumPy does not take (above 2^32 - 1).
std::vector<std::int32_t> random_labels(std::size_t count, int classes, std::uint64_t seed,
                                        LabelSource source);

}  // namespace rlnas
