// Dead-leaves images: discs that hide one another, the simplest model with the edges, scales and occlusions
// of natural images (Lee, Mumford, Huang 2001; Baradad et al. 2021 train networks on them). Ten classes
// differ in the sizes, colours and textures of their discs.
#pragma once

#include <cstdint>

#include "data/dataset.h"

namespace rlnas {

struct SyntheticSpec {
  static constexpr int kDefaultCount = 10000;
  static constexpr int kClasses = 10;
  int count = kDefaultCount;
  int size = 32;  // pixels, 8..256
  std::uint64_t seed = 0;
  int threads = 0;  // 0: as many as the machine has
};

// Image i has class i mod 10 and depends on (seed, i) alone.
// Errors: usage when count or size cannot be used.
// Determinism: bit-equal for any thread count and machine (no libm beyond sqrt).
Dataset make_synthetic(const SyntheticSpec& spec);

}  // namespace rlnas
