// The provably largest angle of a DARTS space against brute force on reduced spaces, and on whole ones.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "engine/philox.h"
#include "kernels/check.h"
#include "search/exact_cells.h"
#include "tests/search/darts_support.h"
#include "tests/search/scored.h"

using namespace rlnas;
using namespace rlnas::darts;
using namespace rlnas::test;

namespace {

// Sums like those of a trained SuperNet: norms of PyTorch's initialisers (gammas of 1, betas of 0), grown or
// shrunk by up to `growth` and turned by cosines between low_cos and high_cos.
struct Training {
  double low_cos = 0.0, high_cos = 0.6, growth = 2.0, gamma_cos = 0.9;
};
std::vector<AngleSums> trained_sums(Preset preset, std::uint64_t seed, const Training& training) {
  const SegmentTable segments = published_segments(published_supernet(preset));
  std::vector<AngleSums> sums;
  RandomStream random(seed, "sums");
  for (const Segment& segment : segments) {
    const double fan_in = double(segment.count / segment.shape[0]);
    const bool gamma = segment.shape.size() == 1;
    const double norm0 = double(segment.count) * (gamma ? 1.0 : 1.0 / (3.0 * fan_in));
    const double norm1 = norm0 * std::pow(training.growth, 2.0 * random.uniform_double() - 1.0);
    const double cos = training.low_cos + (training.high_cos - training.low_cos) * random.uniform_double();
    if (segment.name.ends_with(".bias")) {
      sums.push_back({0.0, 0.0, 0.05 * norm1});
    } else {
      sums.push_back({(gamma ? training.gamma_cos : cos) * std::sqrt(norm0 * norm1), norm0, norm1});
    }
  }
  return sums;
}

SearchSpace space_of(const std::vector<AngleSums>& sums, Preset preset, std::int64_t max_macs,
                     std::int64_t max_params) {
  return search_space(published_supernet(preset), sums,
                      {.constraint = {.max_macs = max_macs, .max_params = max_params}});
}

constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();

// What one cell adds to an architecture's sums and costs.
struct CellPart {
  AngleSums sums;
  std::int64_t flops = 0, params = 0;
};

// Every legal cell of the allowed operations.
std::vector<CellPart> all_cells(const SearchSpace& space, CellKind kind, unsigned ops) {
  const CountTable &flops = space.macs_table(), &params = space.params_table();
  const CellPathTable paths(space.space().cells()[std::size_t(kind)]);
  std::vector<Cell> cells{{}};
  for (int node = 2; node < 6; ++node) {
    std::vector<Cell> longer;
    for (const Cell& cell : cells)
      for (int a = 0; a < node; ++a)
        for (int b = a + 1; b < node; ++b)
          for (int op_a = 1; op_a < kOpCount; ++op_a)
            for (int op_b = 1; op_b < kOpCount; ++op_b) {
              if (!(ops >> op_a & 1u) || !(ops >> op_b & 1u)) continue;
              longer.push_back(cell);
              longer.back().ops[std::size_t(first_edge(node) + a)] = Op(op_a);
              longer.back().ops[std::size_t(first_edge(node) + b)] = Op(op_b);
            }
    cells = std::move(longer);
  }
  std::vector<CellPart> parts;
  for (const Cell& cell : cells) {
    CellPart part;
    Genes genes;
    for (const Op op : cell.ops) genes.push_back(std::int8_t(op));
    const std::span<const std::uint8_t> multiplicity = paths.multiplicity(genes);
    for (std::size_t edge = 0; edge < kEdgeCount; ++edge) {
      const int gene = int(kind) * kEdgeCount + int(edge), op = int(cell.ops[edge]);
      const ChoiceSums& choice = space.angle_table().choices.at(gene, op);
      const double m = multiplicity[edge], constant = choice.ninths / 9;
      part.sums += {m * (choice.weights.dot + constant), m * (choice.weights.norm0_sq + constant),
                    m * (choice.weights.norm1_sq + constant)};
      part.flops += flops.choices.at(gene, op);
      part.params += params.choices.at(gene, op);
    }
    parts.push_back(part);
  }
  return parts;
}

double smallest_cos(const SearchSpace& space, const std::array<unsigned, 2>& ops) {
  const std::vector<CellPart> normal = all_cells(space, CellKind::normal, ops[0]);
  const std::vector<CellPart> reduce = all_cells(space, CellKind::reduce, ops[1]);
  const AngleSums& fixed = space.angle_table().fixed;
  const std::int64_t max_flops = space.spec().constraint.max_macs - space.macs_table().fixed;
  const std::int64_t max_params = space.spec().constraint.max_params - space.params_table().fixed;
  double smallest = std::numeric_limits<double>::infinity();
  for (const CellPart& n : normal)
    for (const CellPart& r : reduce) {
      if (n.flops + r.flops > max_flops || n.params + r.params > max_params) continue;
      AngleSums sums = fixed;
      sums += n.sums;
      sums += r.sums;
      smallest = std::min(smallest, sums.dot / std::sqrt(sums.norm0_sq * sums.norm1_sq));
    }
  return smallest;
}

constexpr unsigned bits(Op a) {
  return 1u << unsigned(a);
}
constexpr unsigned bits(Op a, Op b) {
  return bits(a) | bits(b);
}

}  // namespace

TEST_CASE("exact search equals brute force on reduced spaces, with and without limits") {
  const std::array<unsigned, 2> reduced[] = {
      {bits(Op::sep_conv_3x3, Op::dil_conv_5x5), bits(Op::sep_conv_5x5)},
      {bits(Op::skip_connect, Op::sep_conv_5x5), bits(Op::skip_connect)},
      {bits(Op::max_pool_3x3), bits(Op::avg_pool_3x3, Op::sep_conv_3x3)},
      {bits(Op::dil_conv_3x3), bits(Op::skip_connect, Op::dil_conv_3x3)}};
  const Training trainings[] = {{0.0, 0.6, 2.0}, {-0.5, 0.3, 8.0}, {-0.6, 0.1, 3.0, -0.5}};
  int limited = 0, infeasible = 0, obtuse = 0;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    for (const Training& training : trainings) {
      const std::vector<AngleSums> sums = trained_sums(Preset::imagenet, seed, training);
      const std::array<unsigned, 2>& ops = reduced[(seed + (training.growth > 4.0 ? 2u : 0u)) % 4];
      for (const std::int64_t max_macs : {kNoLimit, std::int64_t{520'000'000}, std::int64_t{420'000'000}}) {
        const std::int64_t max_params = seed % 2 == 0 ? kNoLimit : 4'600'000;
        const SearchSpace space = space_of(sums, Preset::imagenet, max_macs, max_params);
        const LargestAngle found = largest_angle(space, {ops, 10'000'000});
        const double expected = smallest_cos(space, ops);
        if (std::isinf(expected)) {
          CHECK(found.status == ExactStatus::infeasible);
          ++infeasible;
          continue;
        }
        REQUIRE(found.status == ExactStatus::optimal);
        CHECK(space.legal(found.genes));
        CHECK(found.cos == doctest::Approx(expected).epsilon(1e-12));
        CHECK(found.bound_cos <= expected + 1e-13);
        CHECK(found.bound_cos > expected - 1e-10);
        CHECK(found.angle_rad == space.angle_rad(found.genes));
        limited += max_macs < kNoLimit ? 1 : 0;
        obtuse += found.cos < 0.0 ? 1 : 0;
      }
    }
  }
  MESSAGE(limited, " cases with a FLOPs limit, ", infeasible, " without a legal architecture, ", obtuse,
          " beyond a right angle");
  CHECK(limited > 4);
  CHECK(obtuse > 4);
}

TEST_CASE("exact search of the whole spaces: nothing that evolution finds is better") {
  const struct {
    Preset preset;
    std::int64_t max_macs;
    Training training;
  } cases[] = {{Preset::cifar, kNoLimit, {0.0, 0.6, 2.0}},
               {Preset::imagenet, 600'000'000, {0.0, 0.6, 2.0}},
               {Preset::imagenet, 450'000'000, {0.1, 0.3, 1.2}},
               {Preset::imagenet, 500'000'000, {-0.2, 0.5, 6.0}}};
  for (const auto& c : cases) {
    const SearchSpace space = space_of(trained_sums(c.preset, 5, c.training), c.preset, c.max_macs, kNoLimit);
    const Optimum optimum = space.exact();
    REQUIRE(optimum.proven);
    CHECK(space.legal(optimum.genes));
    const double angle = space.angle_rad(optimum.genes);
    CHECK(optimum.bound_rad >= angle);
    CHECK(optimum.bound_rad < angle + 1e-9);
    const EvolutionRun run = test::evolve_scored(
        space, {.population = 50, .top = 10, .mutants = 25, .crossovers = 25, .generations = 60, .seed = 1});
    CHECK(run.top.front().score <= angle + 1e-12);
    MESSAGE("optimum ", angle, " rad, evolution ", run.top.front().score, ", ", optimum.nodes, " nodes, ",
            optimum.seconds, " s");
  }
}

TEST_CASE("exact search of weights that did not move: angle 0 everywhere, proven in seconds") {
  std::vector<AngleSums> sums;
  for (const Segment& segment : published_segments(published_supernet(Preset::imagenet)))
    sums.push_back({double(segment.count), double(segment.count), double(segment.count)});
  const SearchSpace space = space_of(sums, Preset::imagenet, 600'000'000, kNoLimit);
  const LargestAngle found = largest_angle(space);
  CHECK(found.status == ExactStatus::optimal);
  CHECK(found.cos == doctest::Approx(1.0).epsilon(1e-12));
  CHECK(space.legal(found.genes));
  MESSAGE(found.pairs_solved, " pairs, ", found.nodes, " nodes, ", found.seconds, " s");
}

TEST_CASE("exact search that runs out of nodes says so and still bounds the angle") {
  const SearchSpace space =
      space_of(trained_sums(Preset::imagenet, 5, {0.1, 0.3, 1.2}), Preset::imagenet, 450'000'000, kNoLimit);
  const LargestAngle whole = largest_angle(space);
  const LargestAngle cut = largest_angle(space, {{0xFE, 0xFE}, 100});
  REQUIRE(whole.status == ExactStatus::optimal);
  CHECK(cut.status == ExactStatus::unproven);
  CHECK(cut.nodes < whole.nodes);
  CHECK(cut.bound_cos <= whole.cos);
  CHECK(cut.bound_cos > -1.0);
  CHECK(cut.cos >= whole.bound_cos);
}

TEST_CASE("exact search: no operation left") {
  const SearchSpace space = space_of(trained_sums(Preset::cifar, 1, {}), Preset::cifar, kNoLimit, kNoLimit);
  CHECK_THROWS_WITH_AS(largest_angle(space, {{1u, 0xFEu}, 1000}),
                       "exact search: no operation is left for a cell", Error);
}
