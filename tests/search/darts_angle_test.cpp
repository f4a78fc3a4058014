// The closed form of the DARTS angle against the published construction, path by path (method.md 7.2-7.4).
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "kernels/check.h"
#include "search/spaces.h"
#include "tests/search/darts_support.h"
#include "tests/search/random_weights.h"

using namespace rlnas;
using namespace rlnas::darts;
using namespace rlnas::test;

namespace {

// A short and narrow network of every kind of part: two reduction cells, normal cells in front and behind.
DartsNetwork small_network(Preset preset) {
  if (preset == Preset::cifar) return {preset, {.classes = 10, .image_size = 32, .channels = 4, .cells = 6}};
  return {preset, {.classes = 15, .image_size = 224, .channels = 4, .cells = 6}};
}

// Appends tensors, looked up by name, to two long vectors: for each of the 30 paths of each cell the tensors
// of its operations, as appendix C lists them.
class LiteralVector {
 public:
  LiteralVector(const SegmentTable& segments, const WeightPair& weights, const DartsNetwork& network,
                Compat compat)
      : weights_(weights), network_(network), compat_(compat) {
    for (const Segment& segment : segments) by_name_[segment.name] = &segment;
  }

  double angle_rad(const Architecture& architecture) {
    before_.clear(), after_.clear();
    append_matching("stem");
    const int cells = network_.size.cells;
    for (int c = 0; c < cells; ++c) {
      append_matching("cells." + std::to_string(c) + ".preprocess");
      const bool reduction = c == cells / 3 || c == 2 * cells / 3;
      append_paths(c, reduction, reduction ? architecture.reduce : architecture.normal);
    }
    append("classifier.weight");
    if (network_.preset == Preset::imagenet) append("classifier.bias");
    long double dot = 0, norm0 = 0, norm1 = 0;
    for (std::size_t i = 0; i < before_.size(); ++i) {
      dot += before_[i] * after_[i];
      norm0 += before_[i] * before_[i];
      norm1 += after_[i] * after_[i];
    }
    return double(std::acos(dot / (std::sqrt(norm0) * std::sqrt(norm1))));
  }
  std::size_t length() const { return before_.size(); }

 private:
  static int edge_between(int source, int target) {
    constexpr int kFirst[] = {0, 0, 0, 2, 5, 9};
    return kFirst[target] + source;
  }
  // Every increasing sequence of nodes from 0 or 1 to any of 2..5.
  static std::vector<std::vector<int>> all_paths() {
    std::vector<std::vector<int>> paths;
    for (const int input : {0, 1})
      for (int inner = 1; inner < 16; ++inner) {
        std::vector<int> path{input};
        for (int node = 2; node < 6; ++node) {
          if (inner >> (node - 2) & 1) path.push_back(node);
        }
        paths.push_back(path);
      }
    return paths;
  }
  void append(const std::string& name) {
    const Segment& segment = *by_name_.at(name);
    for (std::int64_t i = 0; i < segment.count; ++i) {
      before_.push_back(weights_.before[std::size_t(segment.offset + i)]);
      after_.push_back(weights_.after[std::size_t(segment.offset + i)]);
    }
  }
  void append_matching(const std::string& prefix) {
    for (auto it = by_name_.lower_bound(prefix); it != by_name_.end() && it->first.starts_with(prefix); ++it)
      append(it->first);
  }
  void append_norm(const std::string& name) { append(name + ".weight"), append(name + ".bias"); }
  void append_constant(std::size_t count, double value) {
    before_.insert(before_.end(), count, value);
    after_.insert(after_.end(), count, value);
  }
  void append_paths(int c, bool reduction, const Cell& cell) {
    const std::vector<std::vector<int>> paths = all_paths();
    REQUIRE(paths.size() == 30);
    for (const std::vector<int>& path : paths) {
      const auto op_at = [&](std::size_t i) {
        return int(cell.ops[std::size_t(edge_between(path[i - 1], path[i]))]);
      };
      bool live = true;
      for (std::size_t i = 1; i < path.size(); ++i) live = live && op_at(i) != 0;
      for (std::size_t i = 1; live && i < path.size(); ++i) {
        append_op(c, reduction && path[i - 1] < 2, edge_between(path[i - 1], path[i]), op_at(i));
      }
    }
  }
  void append_op(int c, bool strided, int edge, int op) {
    const std::string edge_name = "cells." + std::to_string(c) + "._ops." + std::to_string(edge) + "._ops.";
    const std::string name = edge_name + std::to_string(op);
    const std::size_t channels = std::size_t(by_name_.at(edge_name + "4.op.1.weight")->shape[0]);
    if (op == 1 || op == 2) {
      append_constant(channels * 9, 1.0 / 9.0);
      append_norm(name + ".1");
    } else if (op == 3 && !strided) {
      for (std::size_t row = 0; row < channels; ++row) {
        append_constant(row, 0.0), append_constant(1, 1.0), append_constant(channels - row - 1, 0.0);
      }
    } else if (op == 3) {
      append(name + ".conv_1.weight"), append(name + ".conv_2.weight"), append_norm(name + ".bn");
    } else if (op == 4 || op == 5) {
      append(name + ".op.1.weight"), append(name + ".op.2.weight"), append_norm(name + ".op.3");
      append(name + ".op.5.weight"), append(name + ".op.6.weight"), append_norm(name + ".op.7");
    } else {
      append(name + ".op.1.weight"), append(name + ".op.2.weight"), append(name + ".op.3.weight");
      append(name + (compat_ == Compat::megvii ? ".op.3.weight" : ".op.3.bias"));
    }
  }

  const WeightPair& weights_;
  const DartsNetwork network_;
  const Compat compat_;
  std::map<std::string, const Segment*> by_name_;
  std::vector<double> before_, after_;
};

// Counts as sums: the elements of each tensor.
std::vector<AngleSums> element_counts(const SegmentTable& segments) {
  std::vector<AngleSums> sums;
  for (const Segment& segment : segments) sums.push_back({double(segment.count), double(segment.count), 1.0});
  return sums;
}

}  // namespace

TEST_CASE("the closed form equals a literal concatenation over all paths") {
  for (const Preset preset : {Preset::cifar, Preset::imagenet})
    for (const Compat compat : {Compat::none, Compat::megvii}) {
      const DartsNetwork network = small_network(preset);
      const SegmentTable segments = published_segments(network);
      const WeightPair weights = random_weights(segments, 7);
      const SearchSpace space = search_space(network, plain_sums(segments, weights), {.compat = compat});
      LiteralVector literal(segments, weights, network, compat);
      double worst = 0.0;
      for (int i = 0; i < 300; ++i) {
        const Architecture architecture = random_architecture(1, i);
        const Genes genes = genes_of_architecture(architecture);
        worst = std::max(worst, std::abs(literal.angle_rad(architecture) - space.angle_rad(genes)));
        REQUIRE(std::int64_t(literal.length()) == space.angle_vector_length(genes));
      }
      MESSAGE("largest difference over 300 architectures: ", worst);
      CHECK(worst < 1e-12);
    }
}

TEST_CASE("the closed form on the whole published CIFAR SuperNet") {
  const DartsNetwork network = published_supernet(Preset::cifar);
  const SegmentTable segments = published_segments(network);
  const WeightPair weights = random_weights(segments, 8);
  const SearchSpace space = search_space(network, plain_sums(segments, weights), {.compat = Compat::megvii});
  LiteralVector literal(segments, weights, network, Compat::megvii);
  for (const char* genotype_text : {kRlnasCifar, kRlnasImagenet, kDartsV2}) {
    const Architecture architecture = parse_architecture(genotype_text);
    CHECK(std::abs(literal.angle_rad(architecture) - space.angle_rad(genes_of_architecture(architecture))) <
          1e-12);
  }
  CHECK(std::int64_t(literal.length()) == space.angle_vector_length(genes_of(kDartsV2)));
}

TEST_CASE("each choice holds the published number of entries, and the constants of method.md 7.4") {
  for (const Preset preset : {Preset::cifar, Preset::imagenet}) {
    const DartsNetwork network = published_supernet(preset);
    const SegmentTable segments = published_segments(network);
    const CountTable lengths = length_table(network.space(), network.size, segments);
    for (const Compat compat : {Compat::none, Compat::megvii}) {
      const AngleTable table =
          make_angle_table(network.space(), network.size, segments, element_counts(segments), compat);
      CHECK(table.fixed.dot == double(lengths.fixed));
      for (std::size_t kind = 0; kind < kCellKinds; ++kind) {
        const bool reduce = kind == std::size_t(CellKind::reduce);
        const double channels = preset == Preset::cifar ? (reduce ? 96 : 224) : (reduce ? 288 : 1344);
        for (int edge = 0; edge < kEdgeCount; ++edge)
          for (int op = 0; op < kOpCount; ++op) {
            const int gene = int(kind) * kEdgeCount + edge;
            const ChoiceSums& choice = table.choices.at(gene, op);
            const bool pool = op == 1 || op == 2;
            const bool identity = op == 3 && !(reduce && kEdges[std::size_t(edge)].source < 2);
            CHECK(choice.ninths == (pool ? channels : identity ? 9 * channels : 0));
            if (!identity)
              CHECK(choice.weights.dot + (pool ? 9 * channels : 0) == double(lengths.choices.at(gene, op)));
            else
              CHECK(choice.weights.dot == 0.0);
          }
      }
    }
  }
}

TEST_CASE("the engine's SuperNet has these tensors, each owned by the same choice") {
  for (const Preset preset : {Preset::cifar, Preset::imagenet}) {
    const DartsNetwork network = published_supernet(preset);
    const SegmentTable published = published_segments(network);
    const SegmentTable engine = supernet_segments(network.space().name(), network.size.classes);
    REQUIRE(engine.size() == published.size());
    std::map<std::string, const Segment*> by_name;
    for (const Segment& segment : published) by_name[segment.name] = &segment;
    for (const Segment& segment : engine) {
      CAPTURE(segment.name);
      const auto it = by_name.find(segment.name);
      REQUIRE(it != by_name.end());
      REQUIRE(segment.shape == it->second->shape);
      REQUIRE(segment.edge == it->second->edge);
      REQUIRE(segment.op == it->second->op);
      if (segment.edge >= 0) REQUIRE(segment.cell == it->second->cell);
    }
  }
}

TEST_CASE("skips of the same number of paths are exact ties wherever they are") {
  const DartsNetwork network = published_supernet(Preset::cifar);
  const SegmentTable segments = published_segments(network);
  const SearchSpace space = search_space(network, plain_sums(segments, random_weights(segments, 9)));
  // The skip that leads from an input to node 5 may come from either, and so may one of node 4.
  const char* const alike[] = {"4,4 4,0,5 3,0,6,0 3,0,0,0,7 | 4,5 4,5,0 4,5,0,0 0,0,3,4,0",
                               "4,4 4,0,5 3,0,6,0 0,3,0,0,7 | 4,5 4,5,0 4,5,0,0 0,0,3,4,0",
                               "4,4 4,0,5 0,3,6,0 3,0,0,0,7 | 4,5 4,5,0 4,5,0,0 0,0,3,4,0",
                               "4,4 4,0,5 0,3,6,0 0,3,0,0,7 | 4,5 4,5,0 4,5,0,0 0,0,3,4,0"};
  const double angle = space.angle_rad(genes_of(alike[0]));
  for (const char* code_text : alike) CHECK(space.angle_rad(genes_of(code_text)) == angle);
  CHECK(space.angle_rad(genes_of("4,4 4,0,5 0,3,6,0 0,2,0,0,7 | 4,5 4,5,0 4,5,0,0 0,0,3,4,0")) != angle);
}

TEST_CASE("op-angle-sum adds each live operation's own angle over the cells of its kind") {
  const DartsNetwork network = small_network(Preset::cifar);
  const SegmentTable segments = published_segments(network);
  const std::vector<AngleSums> sums = plain_sums(segments, random_weights(segments, 5));
  const SearchSpace by_angle = search_space(network, sums);
  const Architecture architecture = parse_architecture(kRlnasCifar);
  double expected = 0.0;
  for (int c = 0; c < network.size.cells; ++c)
    for (int edge = 0; edge < kEdgeCount; ++edge) {
      const int cells = network.size.cells;
      const bool reduces = c == cells / 3 || c == 2 * cells / 3;
      const Cell& cell = reduces ? architecture.reduce : architecture.normal;
      AngleSums own;
      for (int s = 0; s < segments.size(); ++s) {
        if (segments[s].cell == c && segments[s].edge == edge &&
            segments[s].op == int(cell.ops[std::size_t(edge)]))
          own += sums[std::size_t(s)];
      }
      if (own.norm0_sq > 0) expected += std::acos(own.dot / std::sqrt(own.norm0_sq * own.norm1_sq));
    }
  const Genes genes = genes_of_architecture(architecture);
  CHECK(by_angle.op_angle_sum(genes) == doctest::Approx(expected).epsilon(1e-13));
}

TEST_CASE("weights that did not move have angle 0, a NaN weight is reported with its tensor") {
  const DartsNetwork network = small_network(Preset::imagenet);
  const SegmentTable segments = published_segments(network);
  WeightPair weights = random_weights(segments, 2);
  weights.after = weights.before;
  std::vector<AngleSums> sums = plain_sums(segments, weights);
  const SearchSpace space = search_space(network, sums);
  for (int i = 0; i < 100; ++i)
    CHECK(space.angle_rad(genes_of_architecture(random_architecture(4, i))) == 0.0);

  sums[std::size_t(segments.find("cells.3._ops.5._ops.6.op.1.weight"))].dot =
      std::numeric_limits<double>::quiet_NaN();
  const auto table_of = [&](const SegmentTable& tensors, const std::vector<AngleSums>& of_tensors) {
    return make_angle_table(network.space(), network.size, tensors, of_tensors, Compat::none);
  };
  CHECK_THROWS_WITH_AS(table_of(segments, sums),
                       "tensor cells.3._ops.5._ops.6.op.1.weight holds NaN or infinite weights", Error);
  sums.pop_back();
  CHECK_THROWS_AS(table_of(segments, sums), Error);
  SegmentTable wrong = segments;
  wrong.add("cells.0._ops.14._ops.1.1.weight", {4}, 0, 14, 1);
  CHECK_THROWS_AS(table_of(wrong, std::vector<AngleSums>(std::size_t(wrong.size()))), Error);
}
