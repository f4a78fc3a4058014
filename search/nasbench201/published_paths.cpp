#include "search/nasbench201/published_paths.h"

#include <algorithm>
#include <optional>

#include "engine/mt19937.h"
#include "search/nasbench201/space.h"

namespace rlnas::nasbench201 {
namespace {

Genes draw_cell(PythonRandom& random) {
  Cell cell;
  int first = 0;
  for (int node = 1; node < kNodeCount; first += node++) {
    bool all_none = true;
    while (all_none)
      for (int e = first; e < first + node; ++e) {
        cell.ops[std::size_t(e)] = Op(random.below(kOpCount));
        all_none = all_none && cell.ops[std::size_t(e)] == Op::none;
      }
  }
  return genes_of_cell(cell);
}

class PathSampler {
 public:
  PathSampler(std::uint64_t seed, int cells) : seed_(seed), cells_(cells) {}

  std::vector<Genes> paths(std::int64_t step) {
    if (!random_ || step < next_step_) {
      random_.emplace(seed_);
      draw();  // the published script's FLOPs print-out runs one forward pass first
      next_step_ = 0;
    }
    for (; next_step_ < step; ++next_step_) draw();
    ++next_step_;
    return draw();
  }

 private:
  std::vector<Genes> draw() {
    std::vector<Genes> paths;
    for (int c = 0; c < cells_; ++c) paths.push_back(draw_cell(*random_));
    return paths;
  }

  std::uint64_t seed_;
  int cells_;
  std::optional<PythonRandom> random_;
  std::int64_t next_step_ = 0;
};

}  // namespace

StepPaths published_paths(const SamplerOptions& options) {
  return [sampler = PathSampler(options.seed, std::max(1, options.own_paths))](std::int64_t step) mutable {
    return sampler.paths(step);
  };
}

}  // namespace rlnas::nasbench201
