#include "search/darts/path_sampler.h"

#include <limits>
#include <optional>

#include "engine/mt19937.h"
#include "engine/philox.h"
#include "kernels/check.h"
#include "search/darts/repair.h"

namespace rlnas::darts {
namespace {

constexpr int kEdgesPerStep = kCellKinds * kEdgeCount;

Cell draw_cell(RandomStream& random) {
  Cell cell;
  for (int node = kInputCount; node < kAllNodes; ++node) {
    // An ordered pair of different inputs: the second skips over the first.
    const int first = int(random.below(std::uint32_t(node)));
    int second = int(random.below(std::uint32_t(node - 1)));
    second += second >= first ? 1 : 0;
    for (const int source : {first, second}) {
      cell.ops[std::size_t(first_edge(node) + source)] = Op(1 + random.below(kOpCount - 1));
    }
  }
  return cell;
}

Architecture published_path(std::uint32_t seed) {
  Architecture path;
  std::optional<NumpyRandom> random;
  for (Cell* const cell : {&path.normal, &path.reduce}) {
    for (Op& op : cell->ops) {
      random.emplace(seed++);
      op = Op(random->randint(kOpCount));
    }
  }
  // The generator of the last edge is left over for the repairs.
  for (Cell* const cell : {&path.normal, &path.reduce}) {
    repair(*cell, [&](std::uint32_t n) { return random->randint(n); });
  }
  return path;
}

}  // namespace

PathSampler::PathSampler(std::uint64_t seed, PathSource source) : seed_(seed), source_(source) {
  RLNAS_CHECK(source == PathSource::philox || seed <= std::numeric_limits<std::uint32_t>::max(), usage,
              "--seed ", seed, ": --compat megvii needs a seed below 2^32");
}

Architecture PathSampler::path(std::int64_t step) const {
  if (source_ == PathSource::numpy) {
    return published_path(std::uint32_t(seed_ + std::uint64_t(step) * kEdgesPerStep));
  }
  RandomStream random(seed_, "path", std::uint64_t(step));
  Architecture path;
  path.normal = draw_cell(random);
  path.reduce = draw_cell(random);
  return path;
}

}  // namespace rlnas::darts
