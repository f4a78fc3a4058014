#include "data/split.h"

#include <algorithm>
#include <numeric>

#include "engine/mt19937.h"

namespace rlnas {

IndexSplit cifar10_split() {
  constexpr std::uint32_t kImages = 50000, kTrain = 25000;
  std::vector<std::uint32_t> order = all_indices(kImages);
  PythonRandom random(1021);
  random.shuffle(order);
  IndexSplit split;
  split.train.assign(order.begin(), order.begin() + kTrain);
  split.valid.assign(order.begin() + kTrain, order.end());
  std::sort(split.train.begin(), split.train.end());
  std::sort(split.valid.begin(), split.valid.end());
  return split;
}

std::vector<std::uint32_t> all_indices(std::uint32_t count) {
  std::vector<std::uint32_t> indices(count);
  std::iota(indices.begin(), indices.end(), 0u);
  return indices;
}

}  // namespace rlnas
