// The shape of one kernel launch, the same for both compilers of the kernels (nvcc and, in the tests, g++
// with the fiber emulator). `Cooperation` is a promise that the emulator checks: independent threads use no
// barrier, no warp operation and no shared memory, so that it may run them as a plain loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "kernels/check.h"
#include "kernels/cuda/kernel_cost.h"

namespace rlnas {

struct Extent {
  unsigned x = 1, y = 1, z = 1;

  constexpr std::size_t count() const { return std::size_t(x) * y * z; }
};

enum class Cooperation { independent, block };

struct LaunchShape {
  Extent grid;
  Extent block;
  Cooperation cooperation = Cooperation::independent;
  KernelCost cost = {};
  SegmentCost segments = {};  // more of it, where the device knows how much

  LaunchShape costing(const KernelCost& what) const {
    LaunchShape shape = *this;
    shape.cost = what;
    return shape;
  }
  LaunchShape costing_by_segment(const SegmentCost& what) const {
    LaunchShape shape = *this;
    shape.segments = what;
    return shape;
  }
};

template <class T>
constexpr T ceil_div(T value, T by) {
  return (value + by - 1) / by;
}

// Blocks of a one-dimensional grid in which each block takes `per_block` of `count` items.
// Errors: run_failed when there are more than a grid holds.
inline unsigned grid_blocks(const char* kernel, std::size_t count, std::size_t per_block) {
  const std::size_t blocks = ceil_div(count, per_block);
  RLNAS_CHECK(blocks <= std::size_t(std::numeric_limits<std::int32_t>::max()), run_failed, kernel, ": ",
              count, " items are more than one launch can take");
  return unsigned(blocks);
}

}  // namespace rlnas
