// Sampled paths: the published draws bit for bit, and the distribution of both sources (method.md 3.2, 15.6).
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "search/nasbench201/space.h"

namespace rlnas::nasbench201 {
namespace {

Cell cell_of(std::array<int, kEdgeCount> ops) {
  Cell cell;
  for (int e = 0; e < kEdgeCount; ++e) cell.ops[std::size_t(e)] = Op(ops[std::size_t(e)]);
  return cell;
}

enum class PathSource { philox, python };

// The cells of every step, as the space's own sampler draws them.
class PathSampler {
 public:
  PathSampler(std::uint64_t seed, int cells, PathSampling sampling, PathSource source)
      : cells_(cells),
        paths_(space().make_sampler({.seed = seed,
                                     .compat = source == PathSource::python ? Compat::megvii : Compat::none,
                                     .own_paths = sampling == PathSampling::per_cell ? cells : 0})) {}

  std::vector<Cell> paths(std::int64_t step) {
    std::vector<Cell> cells;
    for (const Genes& genes : paths_(step)) cells.push_back(cell_of_genes(genes));
    cells.resize(std::size_t(cells_), cells.front());
    return cells;
  }

 private:
  int cells_;
  StepPaths paths_;
};

}  // namespace

TEST_CASE("megvii: the first training step of seed 0 has the published paths") {
  PathSampler sampler(0, 15, PathSampling::per_cell, PathSource::python);
  const std::vector<Cell> paths = sampler.paths(0);
  REQUIRE(paths.size() == 15);
  CHECK(paths[0] == cell_of({1, 1, 0, 0, 4, 3}));
  CHECK(paths[1] == cell_of({4, 2, 4, 1, 1, 4}));
  CHECK(paths[2] == cell_of({3, 4, 2, 3, 3, 2}));
  CHECK(paths[3] == cell_of({2, 4, 0, 3, 4, 2}));
  CHECK(paths[4] == cell_of({1, 1, 0, 2, 0, 1}));
  CHECK(sampler.paths(1) != paths);
  // One cell a step are the same draws, one after the other: 15 went before, for one printed pass.
  PathSampler net(0, 1, PathSampling::per_net, PathSource::python);
  CHECK(net.paths(14).front() == paths[0]);
  CHECK(net.paths(15).front() == paths[1]);
}

TEST_CASE("a sampler that jumps to a step gives what one that walked there gives") {
  for (const PathSource source : {PathSource::philox, PathSource::python})
    for (const PathSampling sampling : {PathSampling::per_cell, PathSampling::per_net}) {
      PathSampler walking(3, 15, sampling, source), jumping(3, 15, sampling, source);
      std::vector<Cell> at_seven;
      for (int step = 0; step <= 9; ++step) {
        const std::vector<Cell> paths = walking.paths(step);
        if (step == 7) at_seven = paths;
      }
      CHECK(jumping.paths(7) == at_seven);
      CHECK(walking.paths(7) == at_seven);  // back in time
      CHECK(jumping.paths(8) != at_seven);
    }
}

TEST_CASE("per-net gives every cell the same path, per-cell does not") {
  PathSampler net(1, 15, PathSampling::per_net, PathSource::philox),
      cells(1, 15, PathSampling::per_cell, PathSource::philox);
  const std::vector<Cell> same = net.paths(4), different = cells.paths(4);
  CHECK(std::count(same.begin(), same.end(), same[0]) == 15);
  CHECK(std::count(different.begin(), different.end(), different[0]) < 5);
}

TEST_CASE("edges come out none with the published probabilities, and no node is ever without input") {
  for (const PathSource source : {PathSource::philox, PathSource::python}) {
    PathSampler sampler(2, 15, PathSampling::per_cell, source);
    constexpr int kSteps = 4000;
    std::array<std::array<int, kOpCount>, kEdgeCount> counts{};
    for (int step = 0; step < kSteps; ++step)
      for (const Cell& cell : sampler.paths(step)) {
        int live[kNodeCount] = {};
        for (int e = 0; e < kEdgeCount; ++e) {
          ++counts[std::size_t(e)][std::size_t(cell.ops[std::size_t(e)])];
          live[kEdges[std::size_t(e)].target] += cell.ops[std::size_t(e)] != Op::none ? 1 : 0;
        }
        REQUIRE((live[1] > 0 && live[2] > 0 && live[3] > 0));
      }
    const double none[kNodeCount] = {0.0, 0.0, 1.0 / 6.0, 6.0 / 31.0};
    for (int e = 0; e < kEdgeCount; ++e)
      for (int op = 0; op < kOpCount; ++op) {
        const double p_none = none[kEdges[std::size_t(e)].target];
        const double p = op == 0 ? p_none : (1.0 - p_none) / 4.0;
        const double draws = 15.0 * kSteps;
        const double deviation = std::sqrt(draws * p * (1.0 - p));
        CHECK(std::abs(counts[std::size_t(e)][std::size_t(op)] - draws * p) <= 5.0 * deviation);
      }
  }
}

}  // namespace rlnas::nasbench201
