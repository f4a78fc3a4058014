// What a MobileNet architecture costs: FLOPs by the published counter, parameters of the stand-alone network
// and the length of its angle vector. All are a fixed part plus one term for each block. Source: method.md
// 6, 9.1, 15.4, appendices A and C.
#pragma once

#include <array>
#include <cstdint>

#include "search/mobilenet/architecture.h"

namespace rlnas::mobilenet {

inline constexpr int kPublishedClasses = 1000;
inline constexpr int kPublishedImageSize = 224;

struct CountTable {
  std::int64_t fixed = 0;
  std::array<std::array<std::int64_t, kOpCount>, kBlockCount> op{};  // identity costs nothing

  std::int64_t of(const Architecture& architecture) const {
    std::int64_t total = fixed;
    for (std::size_t b = 0; b < kBlockCount; ++b) total += op[b][std::size_t(architecture.ops[b])];
    return total;
  }
};

// A convolution counts its multiply-accumulates, the classifier (2 * in - 1) * out, all else nothing; exact
// integers, where the published counter adds up in FP32. Errors: usage unless both are positive and
// image_size is a multiple of 32.
CountTable flops_table(int classes = kPublishedClasses, int image_size = kPublishedImageSize);

// Batch norms and the classifier's bias included. Errors: usage unless classes is positive.
CountTable params_table(int classes = kPublishedClasses);

// Entries of the published weight vector: no batch norm of the fixed part, not the last one of an operation,
// no bias; an identity is a C x C matrix. Errors: usage unless classes is positive.
CountTable length_table(int classes = kPublishedClasses);

}  // namespace rlnas::mobilenet
