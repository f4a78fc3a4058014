#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "engine/philox.h"
#include "kernels/check.h"
#include "search/exact.h"
#include "search/mobilenet/space.h"
#include "search/search_space.h"
#include "tests/search/mobilenet_paths.h"
#include "tests/search/mobilenet_segments.h"
#include "tests/search/random_weights.h"
#include "tests/search/scored.h"
#include "tests/support/published_names.h"

using namespace rlnas;
using namespace rlnas::mobilenet;

namespace {

const Architecture kPublished = parse_architecture("2 0 -1 2 | 2 0 2 4 | 0 4 4 2 | 4 2 4 2 | 0 0 0 2 | 2");

Architecture all(Op op) {
  Architecture architecture;
  architecture.ops.fill(op);
  return architecture;
}

// Every architecture a random one; identities where they are allowed.
Architecture random_architecture(std::uint64_t seed) {
  return mobilenet::PathSampler(seed, Compat::none).path(0);
}

constexpr int kClasses = 1000, kImageSize = 224;  // as published

SearchSpace space_of(const SegmentTable& segments, const std::vector<AngleSums>& sums, int classes,
                     const Constraint& constraint = {.max_macs = kPublishedMaxFlops}) {
  return {space(),
          {.name = space().name(), .classes = classes, .image_size = kImageSize, .constraint = constraint},
          {.classes = classes, .image_size = kImageSize},
          segments,
          sums};
}

AngleTable table_of(const SegmentTable& segments, const std::vector<AngleSums>& sums, int classes) {
  return make_angle_table(space(), {.classes = classes, .image_size = kImageSize}, segments, sums,
                          Compat::none);
}

CountTable flops_table(int classes = kClasses, int image_size = kImageSize) {
  return stand_alone_counts(space(), {.classes = classes, .image_size = image_size}).macs;
}

CountTable params_of_classes(int classes = kClasses) {
  return stand_alone_counts(space(), {.classes = classes, .image_size = kImageSize}).params;
}

CountTable lengths_of_classes(int classes = kClasses) {
  return length_table(space(), {.classes = classes, .image_size = kImageSize},
                      test::mobilenet_segments(classes));
}

// Sums as a trained SuperNet has them: norms as they start (method.md 7.6), shrunk by training, convolutions
// far from their start, the scales of batch norms near it.
std::vector<AngleSums> trained_like_sums(const SegmentTable& segments, std::uint64_t seed) {
  RandomStream random(seed, "trained like");
  const auto uniform = [&](double low, double high) { return low + (high - low) * random.uniform_double(); };
  const auto tensor = [&](double norm0, double low_cos, double high_cos) {
    const double norm1 = norm0 * std::pow(uniform(0.1, 0.8), 2.0);
    return AngleSums{uniform(low_cos, high_cos) * std::sqrt(norm0 * norm1), norm0, norm1};
  };
  std::vector<AngleSums> sums(std::size_t(segments.size()));
  const auto of = [&](const std::string& name) -> AngleSums& {
    return sums.at(std::size_t(segments.find(name)));
  };
  constexpr std::pair<const char*, double> kFixed[] = {{"conv_bn.0.weight", 80.0},
                                                       {"MBConv_ratio_1.conv.0.weight", 2.0},
                                                       {"MBConv_ratio_1.conv.3.weight", 48.0},
                                                       {"conv_1x1_bn.0.weight", 864.0},
                                                       {"classifier.0.weight", 333.0}};
  for (const auto& [name, norm] : kFixed) of(name) = tensor(norm, 0.0, 0.3);
  for (std::size_t b = 0; b < kBlockCount; ++b)
    for (std::size_t op = 0; op < kConvOpCount; ++op) {
      const double in = kBlocks[b].in, hidden = in * expansion(Op(op));
      const std::string name = "features." + std::to_string(b) + "._ops." + std::to_string(op) + ".conv.";
      of(name + "0.weight") = tensor(2 * in, 0.0, 0.3);
      of(name + "3.weight") = tensor(2, 0.0, 0.4);
      of(name + "1.weight") = tensor(2 * hidden, 0.7, 0.95);  // scales of the two norms, in one of them
      of(name + "6.weight") = tensor(2 * hidden, 0.0, 0.2);
    }
  return sums;
}

SearchSpace trained_like_space(std::uint64_t seed,
                               const Constraint& constraint = {.max_macs = kPublishedMaxFlops}) {
  static const SegmentTable segments = test::mobilenet_segments();
  return space_of(segments, trained_like_sums(segments, seed), kClasses, constraint);
}

}  // namespace

TEST_CASE("mobilenet: published FLOPs and parameters") {
  const CountTable flops = flops_table(), params = params_of_classes();
  const Genes published = genes_of_architecture(kPublished);
  const Genes smallest = genes_of_architecture(all(Op::k3e3)), largest = genes_of_architecture(all(Op::k7e6));
  CHECK(flops.of(published) == 473248184);
  CHECK(flops.of(published) - (1728 - 1) * 1000 == 471521184);  // the classifier as multiply-accumulates
  CHECK(flops.of(smallest) == 462635960);
  CHECK(flops.of(largest) == 1038400856);
  CHECK(params.of(published) == 5255648);
  CHECK(params.of(smallest) == 5151552);
  CHECK(params.of(largest) == 8382408);
  CHECK(flops.fixed == 30105600 + 40033304);

  const auto block_row = [&](int block, std::vector<std::int64_t> expected) {
    CAPTURE(block);
    REQUIRE(expected.size() == kConvOpCount);
    for (int op = 0; op < kConvOpCount; ++op) CHECK(flops.choices.at(block, op) == expected[std::size_t(op)]);
    CHECK(flops.choices.at(block, int(Op::identity)) == 0);
  };
  block_row(0, {30933504, 61867008, 34546176, 69092352, 39965184, 79930368});
  for (int b = 1; b < 4; ++b) block_row(b, {21977088, 43954176, 26793984, 53587968, 34019328, 68038656});
  block_row(4, {14525952, 29051904, 15730176, 31460352, 17536512, 35073024});
  for (int b = 5; b < 8; ++b) block_row(b, {15937152, 31874304, 18044544, 36089088, 21205632, 42411264});
  block_row(8, {11360160, 22720320, 11887008, 23774016, 12677280, 25354560});
  for (int b = 9; b < 12; ++b) block_row(b, {15344448, 30688896, 16398144, 32796288, 17978688, 35957376});
  block_row(12, {16398144, 32796288, 17451840, 34903680, 19032384, 38064768});
  for (int b = 13; b < 16; ++b) block_row(b, {19944960, 39889920, 21149184, 42298368, 22955520, 45911040});
  block_row(16, {14620032, 29240064, 14921088, 29842176, 15372672, 30745344});
  for (int b = 17; b < 20; ++b) block_row(b, {19606272, 39212544, 20208384, 40416768, 21111552, 42223104});
  block_row(20, {26229504, 52459008, 26831616, 53663232, 27734784, 55469568});

  CHECK_THROWS_WITH_AS(flops_table(1000, 100), "--image-size 100: must be a positive multiple of 32", Error);
  CHECK_THROWS_AS(params_of_classes(0), Error);
}

TEST_CASE("mobilenet: lengths of the angle vector, by formula and by weights that are all 1") {
  const CountTable lengths = lengths_of_classes();
  CHECK(lengths.fixed == 2476896);
  CHECK(lengths.of(genes_of_architecture(kPublished)) == 5246536);
  CHECK(lengths.of(genes_of_architecture(all(Op::k3e3))) == 5141352);
  CHECK(lengths.of(genes_of_architecture(all(Op::k7e6))) == 8372208);

  const SegmentTable segments = test::mobilenet_segments();
  CHECK(segments.size() == 1148);
  CHECK(segments.element_count() == 27684320);
  CHECK(test::crc_of_names(segments) == 0x49c19e49u);

  std::vector<AngleSums> counts;
  for (const Segment& segment : segments) {
    const double count = double(segment.count);
    counts.push_back({count, count, count});
  }
  const AngleTable table = table_of(segments, counts, kClasses);
  CHECK(table.fixed.dot == 2476896);
  for (int b = 0; b < kBlockCount; ++b) {
    for (int op = 0; op < kConvOpCount; ++op)
      CHECK(table.choices.at(b, op).sums(1).dot == double(lengths.choices.at(b, op)));
    // An identity matrix has C x C entries, C of which are 1.
    CHECK(table.choices.at(b, 6).sums(1).dot == std::sqrt(double(lengths.choices.at(b, 6))));
  }
}

TEST_CASE("mobilenet: the closed form is the angle of the concatenated tensors") {
  const SegmentTable segments = test::mobilenet_segments(7);
  const test::WeightPair weights = test::random_weights(segments, 3);
  const SearchSpace space = space_of(segments, test::plain_sums(segments, weights), 7);
  for (int trial = 0; trial < 6; ++trial) {
    const Architecture architecture = trial == 0 ? kPublished : random_architecture(std::uint64_t(trial));
    std::vector<double> before, after;
    const auto append = [&](const std::string& name) {
      const int index = segments.find(name);
      REQUIRE(index >= 0);
      const Segment& segment = segments[index];
      for (std::int64_t i = 0; i < segment.count; ++i) {
        before.push_back(weights.before[std::size_t(segment.offset + i)]);
        after.push_back(weights.after[std::size_t(segment.offset + i)]);
      }
    };
    for (const char* name : {"conv_bn.0.weight", "MBConv_ratio_1.conv.0.weight",
                             "MBConv_ratio_1.conv.3.weight", "conv_1x1_bn.0.weight", "classifier.0.weight"}) {
      append(name);
    }
    for (std::size_t b = 0; b < kBlockCount; ++b) {
      const Op op = architecture.ops[b];
      if (op == Op::identity) {
        for (int row = 0; row < kBlocks[b].in; ++row) {
          for (int column = 0; column < kBlocks[b].in; ++column) {
            before.push_back(row == column);
            after.push_back(row == column);
          }
        }
        continue;
      }
      for (const char* part :
           {"0.weight", "1.weight", "1.bias", "3.weight", "4.weight", "4.bias", "6.weight"}) {
        append("features." + std::to_string(b) + "._ops." + std::to_string(int(op)) + ".conv." + part);
      }
    }
    const Genes genes = genes_of_architecture(architecture);
    CHECK(std::int64_t(before.size()) == lengths_of_classes(7).of(genes));
    CHECK(std::int64_t(before.size()) == space.angle_vector_length(genes));
    long double dot = 0, norm0 = 0, norm1 = 0;
    for (std::size_t i = 0; i < before.size(); ++i) {
      dot += static_cast<long double>(before[i]) * after[i];
      norm0 += static_cast<long double>(before[i]) * before[i];
      norm1 += static_cast<long double>(after[i]) * after[i];
    }
    const double literal = double(std::acos(dot / std::sqrt(norm0 * norm1)));
    CHECK(std::abs(space.angle_rad(genes) - literal) < 1e-12);
  }
}

TEST_CASE("mobilenet: an operation's own angle counts once for its block, an identity not at all") {
  const SegmentTable segments = test::mobilenet_segments(7);
  const std::vector<AngleSums> sums = test::plain_sums(segments, test::random_weights(segments, 3));
  const SearchSpace space = space_of(segments, sums, 7);
  const auto own_angle = [&](int block) {
    return rlnas::angle_rad(space.angle_table().choices.at(block, int(Op::k5e3)).weights);
  };
  Genes genes = genes_of_architecture(all(Op::k5e3));
  double expected = 0.0;
  for (int b = 0; b < kBlockCount; ++b) expected += own_angle(b);
  CHECK(space.op_angle_sum(genes) == doctest::Approx(expected).epsilon(1e-14));
  genes[1] = std::int8_t(Op::identity);
  CHECK(space.op_angle_sum(genes) == doctest::Approx(expected - own_angle(1)).epsilon(1e-14));
}

TEST_CASE("mobilenet: a tensor that is damaged or of no choice is named") {
  SegmentTable segments = test::mobilenet_segments(7);
  std::vector<AngleSums> sums(std::size_t(segments.size()), AngleSums{1, 1, 1});
  sums[10].dot = std::nan("");
  CHECK_THROWS_WITH_AS(table_of(segments, sums, 7),
                       ("tensor " + segments[10].name + " holds NaN or infinite weights").c_str(), Error);
  sums[10].dot = 1;
  sums.pop_back();
  CHECK_THROWS_AS(table_of(segments, sums, 7), Error);
  segments.add("features.21._ops.0.conv.0.weight", {1}, 21, 0, 0);
  sums.resize(std::size_t(segments.size()));
  CHECK_THROWS_WITH_AS(
      table_of(segments, sums, 7),
      "tensor features.21._ops.0.conv.0.weight is in cell 21 on edge 0, op 0: not in this space", Error);
}

TEST_CASE("mobilenet: published paths, after the label draws") {
  mobilenet::PathSampler sampler(5, Compat::megvii);
  const char* const expected[3] = {"5 -1 3 5 5 4 2 2 5 2 -1 2 2 0 -1 -1 0 -1 2 3 1",
                                   "3 -1 5 0 1 1 1 3 3 -1 2 3 1 4 3 4 1 3 4 2 4",
                                   "5 -1 4 4 2 2 1 5 0 1 -1 5 3 -1 3 2 1 5 -1 -1 4"};
  for (int step = 0; step < 3; ++step) CHECK(sampler.path(step) == parse_architecture(expected[step]));
  CHECK(sampler.path(1) == parse_architecture(expected[1]));  // back
  CHECK(mobilenet::PathSampler(0, Compat::megvii).path(2) == parse_architecture(expected[2]));
}

TEST_CASE("mobilenet: paths are uniform over each block's options and depend on seed and step alone") {
  constexpr int kDraws = 20000;
  std::array<std::array<int, kOpCount>, kBlockCount> counts{};
  mobilenet::PathSampler sampler(1, Compat::none);
  for (int step = 0; step < kDraws; ++step) {
    const Architecture path = sampler.path(step);
    for (std::size_t b = 0; b < kBlockCount; ++b) ++counts[b][std::size_t(path.ops[b])];
  }
  for (std::size_t b = 0; b < kBlockCount; ++b) {
    const int options = kBlocks[b].options();
    double chi_square = 0.0;
    for (int op = 0; op < options; ++op) {
      const double expected = double(kDraws) / options;
      chi_square += std::pow(counts[b][std::size_t(op)] - expected, 2.0) / expected;
    }
    CHECK(chi_square < 27.9);  // 6 degrees of freedom, p = 1e-4
    if (kBlocks[b].opens_stage) CHECK(counts[b][std::size_t(Op::identity)] == 0);
  }
  CHECK(mobilenet::PathSampler(1, Compat::none).path(7) == sampler.path(7));
  CHECK_FALSE(mobilenet::PathSampler(2, Compat::none).path(7) == sampler.path(7));
}

TEST_CASE("mobilenet: the space's genes, text, costs and limits") {
  const SearchSpace space = trained_like_space(1);
  const Genes genes = space.parse(to_string(kPublished));
  CHECK(genes[2] == 6);
  CHECK(space.text(genes) == to_string(kPublished));
  CHECK(space.macs(genes) == 473248184);
  CHECK(space.params(genes) == 5255648);
  CHECK(space.angle_vector_length(genes) == 5246536);
  CHECK(space.angle_rad(genes) == rlnas::angle_rad(space.angle_sums(genes)));
  CHECK(space.legal(genes));
  CHECK_FALSE(space.legal(genes_of_architecture(all(Op::k3e6))));
  CHECK(space.choices(0) == 6);
  CHECK(space.choices(1) == 7);
  CHECK_THROWS_AS(space.angle_rad(Genes(20)), Error);
  Genes out_of_range = genes;
  out_of_range[4] = 6;
  CHECK_THROWS_AS(space.angle_rad(out_of_range), Error);

  const SearchSpace by_params = trained_like_space(1, {.max_macs = 2'000'000'000, .max_params = 5255647});
  CHECK_FALSE(by_params.legal(genes));
  CHECK_THROWS_WITH_AS(trained_like_space(1, {.max_macs = 100'000'000}),
                       doctest::Contains("--max-mflops 100: the smallest architecture has"), Error);
}

TEST_CASE(
    "mobilenet: the exact optimum under the cap is legal, has the score it claims, and no search beats it") {
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    const SearchSpace space = trained_like_space(seed);
    const ExactResult best = minimise_cos(exact_problem(space));
    REQUIRE(best.status == ExactStatus::optimal);
    const Genes genes(best.choice.begin(), best.choice.end());
    CHECK(space.legal(genes));
    CHECK(space.macs(genes) == best.cost[0]);
    CHECK(space.params(genes) == best.cost[1]);
    CHECK(space.angle_rad(genes) == doctest::Approx(rlnas::angle_rad(best.sums)).epsilon(1e-15));
    CHECK(best.nodes < 100000);
    const EvolutionRun run = test::evolve_scored(
        space,
        {.population = 50, .top = 10, .mutants = 25, .crossovers = 25, .generations = 20, .seed = seed});
    CHECK(run.top.front().score <= space.angle_rad(genes));
    CHECK(run.top.front().score > space.angle_rad(genes) - 0.1);
    CHECK(run.acceptance.rate() > 0.001);  // method.md 8.1: 0.29% of the space is within the cap
    CHECK(run.acceptance.rate() < 0.006);
  }
}

TEST_CASE("mobilenet: the exact optimum is brute force's where most blocks are given") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const SearchSpace space = trained_like_space(seed);
    ExactProblem problem = exact_problem(space);
    Genes genes(kBlockCount, std::int8_t(Op::k3e3));
    constexpr int kFree[] = {1, 6, 11, 14, 19};
    for (int b = 0; b < kBlockCount; ++b) {
      if (std::find(std::begin(kFree), std::end(kFree), b) == std::end(kFree)) {
        problem.groups[std::size_t(b)].resize(1);
      }
    }
    double best = -1.0;
    for (int code = 0; code < 7 * 7 * 7 * 7 * 7; ++code) {
      int rest = code;
      for (const int b : kFree) genes[std::size_t(b)] = std::int8_t(rest % 7), rest /= 7;
      if (space.legal(genes)) best = std::max(best, space.angle_rad(genes));
    }
    CHECK(rlnas::angle_rad(minimise_cos(problem).sums) == doctest::Approx(best).epsilon(1e-12));
  }
}
