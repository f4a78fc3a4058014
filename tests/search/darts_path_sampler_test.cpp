// The DARTS path sampler: the published draws bit for bit, and uniformity of both sources
// (method.md 2.4, 15.6).
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "engine/mt19937.h"
#include "kernels/check.h"
#include "tests/search/darts_support.h"

using namespace rlnas;
using namespace rlnas::darts;

namespace {

Cell cell_of(std::array<int, kEdgeCount> ops) {
  Cell cell;
  for (std::size_t edge = 0; edge < kEdgeCount; ++edge) cell.ops[edge] = Op(ops[edge]);
  return cell;
}

// The outcomes of each node of both kinds of cells, counted: (pair, op, op) of every node.
class NodeCounts {
 public:
  void add(const Cell& cell, CellKind kind) {
    for (int node = kInputCount; node < kAllNodes; ++node) {
      const auto begin = cell.ops.begin() + first_edge(node);
      ++counts_[std::size_t(kind)][std::size_t(node - kInputCount)][std::vector<Op>(begin, begin + node)];
    }
    ++cells_[std::size_t(kind)];
  }
  // Every outcome was seen, and their chi-square is within five standard deviations of its mean on both
  // sides.
  void check_uniform() const {
    constexpr std::array<int, kNodeCount> kOutcomes{49, 147, 294, 490};
    for (std::size_t kind = 0; kind < kCellKinds; ++kind)
      for (std::size_t node = 0; node < kNodeCount; ++node) {
        REQUIRE(counts_[kind][node].size() == std::size_t(kOutcomes[node]));
        const double expected = double(cells_[kind]) / kOutcomes[node];
        double chi_square = 0;
        for (const auto& [ops, count] : counts_[kind][node]) {
          chi_square += (count - expected) * (count - expected) / expected;
        }
        const double freedom = kOutcomes[node] - 1;
        CAPTURE(node);
        CHECK(std::abs(chi_square - freedom) < 5 * std::sqrt(2 * freedom));
      }
  }

 private:
  std::map<std::vector<Op>, int> counts_[kCellKinds][kNodeCount];
  std::array<int, kCellKinds> cells_{};
};

}  // namespace

TEST_CASE("compat megvii: the published paths of the first steps") {
  const PathSampler cifar(1, PathSource::numpy), imagenet(5, PathSource::numpy);
  const struct {
    const PathSampler& sampler;
    int step;
    std::array<int, kEdgeCount> normal, reduce;
  } golden[] = {
      {imagenet, 1, {4, 1, 1, 5, 0, 0, 1, 6, 0, 6, 0, 0, 3, 0}, {7, 3, 2, 0, 6, 0, 1, 7, 0, 5, 0, 0, 0, 5}},
      {cifar, 0, {5, 2, 2, 2, 0, 2, 0, 0, 6, 1, 0, 0, 0, 3}, {6, 1, 7, 0, 5, 0, 0, 5, 3, 2, 0, 0, 0, 1}},
      {cifar, 1, {5, 5, 2, 7, 0, 1, 0, 5, 0, 0, 0, 6, 0, 6}, {4, 4, 3, 0, 7, 0, 2, 0, 6, 0, 1, 7, 0, 0}},
      {imagenet, 0, {3, 2, 7, 3, 0, 1, 0, 3, 0, 3, 0, 0, 0, 2}, {5, 3, 0, 5, 3, 0, 4, 0, 3, 1, 5, 0, 0, 0}},
  };
  for (const auto& expected : golden) {
    const Architecture path = expected.sampler.path(expected.step);
    CHECK(path.normal == cell_of(expected.normal));
    CHECK(path.reduce == cell_of(expected.reduce));
  }
  CHECK_THROWS_AS(PathSampler(std::uint64_t{1} << 32, PathSource::numpy), Error);
  CHECK_NOTHROW(PathSampler(std::uint64_t{1} << 32, PathSource::philox));
}

TEST_CASE("directly drawn paths are uniform over pairs of inputs and operations") {
  NodeCounts counts;
  const PathSampler sampler(3, PathSource::philox);
  for (int step = 0; step < 50000; ++step) {
    const Architecture path = sampler.path(step);
    counts.add(path.normal, CellKind::normal);
    counts.add(path.reduce, CellKind::reduce);
  }
  counts.check_uniform();
  CHECK(sampler.path(7) == PathSampler(3, PathSource::philox).path(7));
  CHECK(sampler.path(7) != PathSampler(4, PathSource::philox).path(7));
  CHECK(sampler.path(7) != sampler.path(8));
}

TEST_CASE("repaired uniform raw cells are uniform too") {
  NodeCounts counts;
  NumpyRandom random(17);
  const auto below = [&](std::uint32_t n) { return random.randint(n); };
  for (int i = 0; i < 100000; ++i) {
    Cell cell;
    for (Op& op : cell.ops) op = Op(random.randint(kOpCount));
    Genes genes = genes_of_architecture({cell, {}});
    cifar_space().repair(genes, below);
    cell = architecture_of_genes(genes).normal;
    REQUIRE(is_legal(cell));
    counts.add(cell, i % 2 == 0 ? CellKind::normal : CellKind::reduce);
  }
  counts.check_uniform();
}

TEST_CASE("the published paths are uniform within what consecutive seeds allow") {
  NodeCounts counts;
  const PathSampler sampler(1, PathSource::numpy);
  for (int step = 0; step < 8000; ++step) {
    const Architecture path = sampler.path(step);
    counts.add(path.normal, CellKind::normal);
    counts.add(path.reduce, CellKind::reduce);
  }
  counts.check_uniform();
}
