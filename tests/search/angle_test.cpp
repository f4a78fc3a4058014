#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/angle_tables.h"
#include "kernels/backend.h"
#include "kernels/check.h"
#include "search/indicator_measure.h"
#include "search/nasbench201/space.h"
#include "search/spaces.h"
#include "tests/search/random_weights.h"

using namespace rlnas;
using namespace rlnas::nasbench201;
using rlnas::test::plain_sums;
using rlnas::test::random_weights;
using rlnas::test::WeightPair;

namespace {

// The published construction, literally: path by path and cell by cell, tensors looked up by name and
// appended to two long vectors.
class LiteralVector {
 public:
  LiteralVector(const SegmentTable& segments, const WeightPair& weights)
      : segments_(segments), weights_(weights) {
    for (const Segment& segment : segments) by_name_[segment.name] = &segment;
  }

  double angle_rad(const Cell& cell) {
    before_.clear();
    after_.clear();
    const std::vector<std::vector<int>> paths{{0, 3}, {0, 2, 3}, {0, 1, 2, 3}, {0, 1, 3}};
    int dead_paths = 0;
    bool fixed_cells_done = false;
    for (const char* name : {"stem.0.weight", "stem.1.weight", "stem.1.bias"}) append(name);
    for (const std::vector<int>& path : paths) {
      if (has_none(cell, path)) {
        ++dead_paths;
        continue;
      }
      for (int c = 0; c < 17; ++c) {
        if (c == 5 || c == 11) {
          if (!fixed_cells_done) append_residual_block(c);
        } else {
          append_path(cell, path, c);
        }
      }
      fixed_cells_done = true;
    }
    for (const char* name : {"lastact.0.weight", "lastact.0.bias", "classifier.weight", "classifier.bias"})
      append(name);
    if (dead_paths == 4) return 0.0;
    long double dot = 0, norm0 = 0, norm1 = 0;  // two million terms: plain doubles would cost the last digits
    for (std::size_t i = 0; i < before_.size(); ++i) {
      dot += before_[i] * after_[i];
      norm0 += before_[i] * before_[i];
      norm1 += after_[i] * after_[i];
    }
    return double(std::acos(dot / (std::sqrt(norm0) * std::sqrt(norm1))));
  }
  std::size_t length() const { return before_.size(); }

 private:
  static int op_between(const Cell& cell, int source, int target) {
    return int(cell.ops[std::size_t(target * (target - 1) / 2 + source)]);
  }
  static bool has_none(const Cell& cell, const std::vector<int>& path) {
    for (std::size_t i = 1; i < path.size(); ++i) {
      if (op_between(cell, path[i - 1], path[i]) == 0) return true;
    }
    return false;
  }
  void append(const std::string& name) {
    const Segment& segment = *by_name_.at(name);
    for (std::int64_t i = 0; i < segment.count; ++i) {
      before_.push_back(weights_.before[std::size_t(segment.offset + i)]);
      after_.push_back(weights_.after[std::size_t(segment.offset + i)]);
    }
  }
  void append_residual_block(int c) {
    for (const char* name :
         {"conv_a.op.1.weight", "conv_a.op.2.weight", "conv_a.op.2.bias", "conv_b.op.1.weight",
          "conv_b.op.2.weight", "conv_b.op.2.bias", "downsample.1.weight"}) {
      append("cells." + std::to_string(c) + "." + name);
    }
  }
  void append_path(const Cell& cell, const std::vector<int>& path, int c) {
    for (std::size_t i = 1; i < path.size(); ++i) {
      const int op = op_between(cell, path[i - 1], path[i]);
      const std::string edge = "cells." + std::to_string(c) + ".edges." + std::to_string(path[i]) + "<-" +
                               std::to_string(path[i - 1]) + ".";
      if (op == 2 || op == 3) append(edge + std::to_string(op) + ".op.1.weight");
      if (op == 4) {
        const std::size_t entries = std::size_t(by_name_.at(edge + "3.op.1.weight")->shape[0]) * 9;
        before_.insert(before_.end(), entries, 1.0 / 9.0);
        after_.insert(after_.end(), entries, 1.0 / 9.0);
      }
    }
  }

  const SegmentTable& segments_;
  const WeightPair& weights_;
  std::map<std::string, const Segment*> by_name_;
  std::vector<double> before_, after_;
};

// The sums as a search gets them: from the CPU backend's one pass over the flat buffers.
std::vector<AngleSums> engine_sums(const SegmentTable& segments, const WeightPair& weights) {
  const auto backend = make_cpu_backend({2});
  const AngleTables tables(*backend, segments);
  std::vector<AngleSums> sums(std::size_t(segments.size()));
  TakeAngleSums call = tables.call();
  call.w0 = weights.before.data();
  call.w1 = {weights.after.data()};
  call.sums = sums.data();
  std::vector<double> scratch(backend->workspace_bytes(call) / sizeof(double) + 1);
  backend->run(call, {scratch.data(), scratch.size() * sizeof(double)});
  return sums;
}

SegmentTable segments_of_ten_classes() {
  return supernet_segments(space().name(), 10);
}

std::unique_ptr<SearchSpace> space_of(const std::vector<AngleSums>& sums) {
  return make_search_space({.name = space().name()}, sums);
}

bool is_dead(const SearchSpace& space, const Cell& cell) {
  return space.cell_paths(genes_of_cell(cell)).front().live == 0;
}

}  // namespace

TEST_CASE("the closed form equals a literal path-by-path concatenation") {
  const SegmentTable segments = segments_of_ten_classes();
  const WeightPair weights = random_weights(segments, 7);
  const auto space = space_of(engine_sums(segments, weights));
  LiteralVector literal(segments, weights);
  RandomStream random(1, "cells");
  double worst = 0.0;
  for (int i = 0; i < 1000; ++i) {
    const Cell cell = cell_at(int(random.below(kSpaceSize)));
    const Genes genes = genes_of_cell(cell);
    worst = std::max(worst, std::abs(literal.angle_rad(cell) - space->angle_rad(genes)));
    if (!is_dead(*space, cell)) REQUIRE(std::int64_t(literal.length()) == space->angle_vector_length(genes));
  }
  MESSAGE("largest difference over 1,000 cells: ", worst);
  CHECK(worst < 1e-12);
  int dead = 0;
  for (int i = 0; i < kSpaceSize; ++i) {
    const Cell cell = cell_at(i);
    if (!is_dead(*space, cell)) continue;
    ++dead;
    REQUIRE(space->angle_rad(genes_of_cell(cell)) == 0.0);
    REQUIRE(space->op_angle_sum(genes_of_cell(cell)) == 0.0);
    REQUIRE(literal.angle_rad(cell) == 0.0);
  }
  CHECK(dead == 341);
}

TEST_CASE("angles of the whole space: equal exactly where the vectors hold the same entries") {
  const SegmentTable segments = segments_of_ten_classes();
  const auto space = space_of(plain_sums(segments, random_weights(segments, 3)));
  // Convolutions with their places and multiplicities; pools only as a total, for they are alike everywhere.
  std::map<std::vector<int>, double> angle_of_contents;
  std::set<double> values;
  int fixed_only = 0;
  const double fixed = rlnas::angle_rad(space->angle_table().fixed);
  for (int i = 0; i < kSpaceSize; ++i) {
    const Cell cell = cell_at(i);
    const CellPaths paths = space->cell_paths(genes_of_cell(cell)).front();
    if (paths.live == 0) continue;
    std::vector<int> contents(2 * kEdgeCount + 1);
    for (std::size_t edge = 0; edge < kEdgeCount; ++edge) {
      const int multiplicity = paths.edges[edge].paths;
      if (cell.ops[edge] == Op::nor_conv_1x1) contents[edge] = multiplicity;
      if (cell.ops[edge] == Op::nor_conv_3x3) contents[kEdgeCount + edge] = multiplicity;
      if (cell.ops[edge] == Op::avg_pool_3x3) contents[2 * kEdgeCount] += multiplicity;
    }
    const double angle = space->angle_rad(genes_of_cell(cell));
    REQUIRE(angle_of_contents.emplace(contents, angle).first->second == angle);
    values.insert(angle);
    fixed_only += angle == fixed ? 1 : 0;
  }
  CHECK(fixed_only == 467);
  CHECK(values.size() == angle_of_contents.size());
}

TEST_CASE("op-angle-sum adds each live operation's own angles over the 15 cells") {
  const SegmentTable segments = segments_of_ten_classes();
  const std::vector<AngleSums> sums = plain_sums(segments, random_weights(segments, 5));
  const auto by_angle = space_of(sums);
  // 1<-0 conv3x3, 2<-0 none, 2<-1 none, 3<-0 avg_pool, 3<-1 skip, 3<-2 conv1x1 (dead: nothing reaches node 2)
  const Genes genes =
      by_angle->parse("|nor_conv_3x3~0|+|none~0|none~1|+|avg_pool_3x3~0|skip_connect~1|nor_conv_1x1~2|");
  double expected = 0.0;
  int tensors = 0;
  for (int s = 0; s < segments.size(); ++s) {
    if (segments[s].edge != 0 || segments[s].op != 3) continue;
    const AngleSums& sum = sums[std::size_t(s)];
    expected += std::acos(sum.dot / std::sqrt(sum.norm0_sq * sum.norm1_sq));
    ++tensors;
  }
  CHECK(tensors == 15);
  CHECK(by_angle->op_angle_sum(genes) == doctest::Approx(expected).epsilon(1e-14));
  IndicatorMeasure both({*by_angle}, {"op-angle-sum", "angle"});
  CHECK(both.measure(std::span(&genes, 1)) ==
        std::vector<double>{by_angle->op_angle_sum(genes), by_angle->angle_rad(genes)});
}

TEST_CASE("the cosine is clamped, and weights that did not move have angle 0") {
  CHECK(rlnas::angle_rad({1.0 + 1e-15, 1.0, 1.0}) == 0.0);
  CHECK(rlnas::angle_rad({-1.0 - 1e-15, 1.0, 1.0}) == doctest::Approx(std::acos(-1.0)));
  CHECK(rlnas::angle_rad({0.3, 0.3, 0.3}) == 0.0);
  const SegmentTable segments = segments_of_ten_classes();
  WeightPair weights = random_weights(segments, 2);
  weights.after = weights.before;
  const auto space = space_of(plain_sums(segments, weights));
  for (int i = 0; i < kSpaceSize; i += 11) REQUIRE(space->angle_rad(genes_of_cell(cell_at(i))) == 0.0);
}

TEST_CASE("a NaN weight is reported with its tensor") {
  const SegmentTable segments = segments_of_ten_classes();
  std::vector<AngleSums> sums(std::size_t(segments.size()), AngleSums{1, 1, 1});
  sums[std::size_t(segments.find("lastact.0.bias"))].dot = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH_AS(space_of(sums), "tensor lastact.0.bias holds NaN or infinite weights", Error);
  sums.pop_back();
  CHECK_THROWS_AS(space_of(sums), Error);
}
