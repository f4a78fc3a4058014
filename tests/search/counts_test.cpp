#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "kernels/check.h"
#include "search/nasbench201/space.h"
#include "search/spaces.h"
#include "tests/support/published_names.h"

using namespace rlnas;
using namespace rlnas::nasbench201;

namespace {

Cell uniform_cell(Op op) {
  Cell cell;
  cell.ops.fill(op);
  return cell;
}

std::int64_t macs(const Cell& cell, int classes, int image_size) {
  return stand_alone_counts(space(), {.classes = classes, .image_size = image_size})
      .macs.of(genes_of_cell(cell));
}

std::int64_t params(const Cell& cell, int classes) {
  return stand_alone_counts(space(), {.classes = classes}).params.of(genes_of_cell(cell));
}

const CellPathTable& paths_of_cells() {
  static const CellPathTable table(space().cells().front());
  return table;
}

std::array<int, kEdgeCount> path_multiplicity(const Cell& cell) {
  std::array<int, kEdgeCount> multiplicity{};
  const Genes genes = genes_of_cell(cell);
  const std::span<const std::uint8_t> paths = paths_of_cells().multiplicity(genes);
  REQUIRE(paths.size() == kEdgeCount);
  std::copy(paths.begin(), paths.end(), multiplicity.begin());
  return multiplicity;
}

int live_paths(const Cell& cell) {
  return paths_of_cells().live_paths(genes_of_cell(cell));
}

// Walks every path instead of counting by dynamic programming.
std::array<int, kEdgeCount> enumerate_paths(const Cell& cell, int& paths) {
  const std::vector<std::vector<std::size_t>> all{{3}, {1, 5}, {0, 2, 5}, {0, 4}};  // edges of each path
  std::array<int, kEdgeCount> visits{};
  paths = 0;
  for (const auto& path : all) {
    if (std::any_of(path.begin(), path.end(), [&](std::size_t e) { return cell.ops[e] == Op::none; }))
      continue;
    ++paths;
    for (const std::size_t edge : path) ++visits[edge];
  }
  return visits;
}

}  // namespace

TEST_CASE("MACs and parameters of the golden pairs") {
  struct Golden {
    Cell cell;
    std::int64_t macs10, params10, macs100, params100, macs120, params120;
  };
  const Golden table[] = {
      {Cell{}, 7783050, 73306, 7788900, 79156, 1953400, 80456},
      {cell_of_benchmark(0), 15647370, 129306, 15653220, 135156, 3919480, 136456},
      {cell_of_benchmark(11472), 78561930, 559386, 78567780, 565236, 19648120, 566536},
      {uniform_cell(Op::nor_conv_1x1), 31376010, 241306, 31381860, 247156, 7851640, 248456},
      {cell_of_benchmark(1), 113951370, 802426, 113957220, 808276, 28495480, 809576},
      {uniform_cell(Op::nor_conv_3x3), 220119690, 1531546, 220125540, 1537396, 55037560, 1538696},
  };
  for (const Golden& golden : table) {
    CAPTURE(to_string(golden.cell));
    CHECK(macs(golden.cell, 10, 32) == golden.macs10);
    CHECK(params(golden.cell, 10) == golden.params10);
    CHECK(macs(golden.cell, 100, 32) == golden.macs100);
    CHECK(params(golden.cell, 100) == golden.params100);
    CHECK(macs(golden.cell, 120, 16) == golden.macs120);
    CHECK(params(golden.cell, 120) == golden.params120);
  }
  CHECK_THROWS_AS(macs(Cell{}, 10, 30), Error);
  CHECK_THROWS_AS(macs(Cell{}, 10, 0), Error);
  CHECK_THROWS_AS(params(Cell{}, 0), Error);
}

TEST_CASE("multiplicities and live paths equal an enumeration of the paths, for every cell") {
  int dead = 0;
  for (int i = 0; i < kSpaceSize; ++i) {
    const Cell cell = cell_at(i);
    int paths = 0;
    const auto visits = enumerate_paths(cell, paths);
    REQUIRE(path_multiplicity(cell) == visits);
    REQUIRE(live_paths(cell) == paths);
    dead += paths == 0 ? 1 : 0;
  }
  CHECK(dead == 341);
  CHECK(path_multiplicity(uniform_cell(Op::nor_conv_3x3)) == std::array<int, 6>{2, 1, 1, 1, 1, 2});
}

TEST_CASE("lengths of the angle vector") {
  const auto angle_vector_length = [](const Cell& cell, int classes) {
    return make_search_space({.name = space().name(), .classes = classes})
        ->angle_vector_length(genes_of_cell(cell));
  };
  CHECK(angle_vector_length(uniform_cell(Op::nor_conv_3x3), 10) == 2008666);
  CHECK(angle_vector_length(uniform_cell(Op::nor_conv_1x1), 10) == 288346);
  CHECK(angle_vector_length(uniform_cell(Op::avg_pool_3x3), 10) == 113626);
  CHECK(angle_vector_length(uniform_cell(Op::skip_connect), 10) == 73306);
  CHECK(angle_vector_length(uniform_cell(Op::skip_connect), 100) == 79156);
  CHECK(angle_vector_length(uniform_cell(Op::skip_connect), 120) == 80456);
  CHECK(angle_vector_length(Cell{}, 10) == 0);
}

TEST_CASE("signatures: 6,604 distinct ones among live cells, 467 of skips alone") {
  const auto space = make_search_space({.name = nasbench201::space().name()});
  // What the angle depends on: for each edge with entries in the vector, its operation and multiplicity.
  std::set<std::array<int, 2 * kEdgeCount>> signatures;
  int skips_alone = 0;
  for (int i = 0; i < kSpaceSize; ++i) {
    const Cell cell = cell_at(i);
    if (live_paths(cell) == 0) continue;
    const auto multiplicity = path_multiplicity(cell);
    std::array<int, 2 * kEdgeCount> signature{};
    for (std::size_t edge = 0; edge < kEdgeCount; ++edge) {
      if (multiplicity[edge] == 0 || cell.ops[edge] == Op::skip_connect) continue;
      signature[2 * edge] = int(cell.ops[edge]);
      signature[2 * edge + 1] = multiplicity[edge];
    }
    signatures.insert(signature);
    skips_alone += space->angle_vector_length(genes_of_cell(cell)) == 73306 ? 1 : 0;
  }
  CHECK(signatures.size() == 6604);
  CHECK(skips_alone == 467);
}

TEST_CASE("SuperNet tensors carry the published names and shapes") {
  const SegmentTable table = supernet_segments(space().name(), 10);
  CHECK(table.size() == 201);
  CHECK(table.element_count() == 1686106);
  CHECK(test::crc_of_names(table) == 0x6c7bec58u);
  const Segment& op = table[table.find("cells.16.edges.3<-2.3.op.1.weight")];
  CHECK(op.cell == 16);
  CHECK(op.edge == 5);
  CHECK(op.op == int(Op::nor_conv_3x3));
  CHECK(table[table.find("cells.5.downsample.1.weight")].edge == -1);
}
