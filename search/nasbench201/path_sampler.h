// Draws the paths of a training step (method.md 3.2): one cell for each searchable cell of the SuperNet, or
// one for all of them. A node whose incoming edges all came out as none is drawn again as a whole.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/mt19937.h"
#include "rlnas/choices.hpp"
#include "search/nasbench201/cell.h"

namespace rlnas::nasbench201 {

enum class PathSource {
  philox,  // a function of (seed, step) alone
  python,  // the published code's draws, bit for bit
};

class PathSampler {
 public:
  PathSampler(std::uint64_t seed, int cells, PathSampling sampling, PathSource source);

  // The paths of step 0, 1, 2, ...; any order, though PathSource::python replays from the start to go back.
  std::vector<Cell> paths(std::int64_t step);

 private:
  std::vector<Cell> python_paths();

  std::uint64_t seed_;
  int cells_;
  PathSampling sampling_;
  PathSource source_;
  std::optional<PythonRandom> python_;
  std::int64_t next_step_ = 0;  // of python_
};

}  // namespace rlnas::nasbench201
