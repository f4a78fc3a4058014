#include "search/nasbench201/path_sampler.h"

#include "engine/philox.h"

namespace rlnas::nasbench201 {
namespace {

template <class Random>
Cell draw_cell(Random& random) {
  Cell cell;
  int first = 0;
  for (int node = 1; node < kNodeCount; first += node++) {
    bool all_none = true;
    while (all_none)
      for (int e = first; e < first + node; ++e) {
        cell.ops[e] = Op(random.below(kOpCount));
        all_none = all_none && cell.ops[e] == Op::none;
      }
  }
  return cell;
}

}  // namespace

PathSampler::PathSampler(std::uint64_t seed, int cells, PathSampling sampling, PathSource source)
    : seed_(seed), cells_(cells), sampling_(sampling), source_(source) {}

std::vector<Cell> PathSampler::python_paths() {
  std::vector<Cell> paths;
  const int draws = sampling_ == PathSampling::per_cell ? cells_ : 1;
  for (int c = 0; c < draws; ++c) paths.push_back(draw_cell(*python_));
  paths.resize(std::size_t(cells_), paths.front());
  return paths;
}

std::vector<Cell> PathSampler::paths(std::int64_t step) {
  if (source_ == PathSource::python) {
    if (!python_ || step < next_step_) {
      python_.emplace(seed_);
      python_paths();  // the published script's FLOPs print-out runs one forward pass first
      next_step_ = 0;
    }
    for (; next_step_ < step; ++next_step_) python_paths();
    ++next_step_;
    return python_paths();
  }
  std::vector<Cell> paths;
  for (int c = 0; c < (sampling_ == PathSampling::per_cell ? cells_ : 1); ++c) {
    RandomStream random(seed_, "path", std::uint64_t(step), std::uint64_t(c));
    paths.push_back(draw_cell(random));
  }
  paths.resize(std::size_t(cells_), paths.front());
  return paths;
}

}  // namespace rlnas::nasbench201
