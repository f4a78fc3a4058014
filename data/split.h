// The published halves of CIFAR-10 that NAS-Bench-201 and RLNAS train and validate on.
#pragma once

#include <cstdint>
#include <vector>

namespace rlnas {

struct IndexSplit {
  std::vector<std::uint32_t> train;  // ascending
  std::vector<std::uint32_t> valid;  // ascending
};

// Indices 0..49999, shuffled by Python's random.seed(1021), cut in the middle, each half sorted: equal to the
// split file the benchmark ships.
IndexSplit cifar10_split();

// 0..count-1: all images, as the other data sets are trained on.
std::vector<std::uint32_t> all_indices(std::uint32_t count);

}  // namespace rlnas
