// Own spaces of cells with two inputs, of nodes with so many live edges, and of nodes whose edges are side by
// side.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "search/exact_search.h"
#include "search/network_classes.h"
#include "search/space_file/space.h"
#include "search/spaces.h"
#include "tests/search/every_space.h"
#include "tests/search/fake_run.h"
#include "tests/search/space_file_mistakes.h"
#include "tests/support/errors.h"

using namespace rlnas;
using rlnas::test::contains;
using rlnas::test::mistake;
using rlnas::test::replaced;

TEST_CASE("cells with two inputs: names, the rule on live edges, sizes, and nodes side by side") {
  const auto space = space_file::make_space(test::kTwoInputs, "x.json");
  REQUIRE(space->gene_count() == 5 + 4);
  CHECK(!space->info().every_cell_has_a_path);
  CHECK(space->info().image_halvings == 2);
  const Genes genes{0, 2, 1, 0, 2, 2, 0, 1, 1};
  const std::string text =
      "conv_3x3 skip none conv_3x3 skip | none max_pool_3x3_normsupernet none sep_conv_3x3";
  CHECK(space->text(genes) == text);
  CHECK(space->parse(text) == genes);
  CHECK(space->valid(genes));
  CHECK(space->drawing(genes) ==
        "cell normal\n"
        "  node 2 = conv_3x3(cell k-2) + skip(cell k-1)\n"
        "  node 3 = conv_3x3(cell k-1) + skip(node 2)\n"
        "  output = nodes 2 and 3 side by side\n"
        "cell reduce\n"
        "  node 2 = max_pool_3x3_normsupernet(cell k-1)\n"
        "  output = sep_conv_3x3(node 2)\n"
        "  every node: its edges side by side, and a 1x1 convolution\n");
  const std::string error = test::error_of(
      ErrorCode::usage, [&] { space->parse("conv_3x3 skip conv_3x3 conv_3x3 skip | 0 0 0 0"); });
  CHECK(contains(error, "at character 15: node 3 has 3 operations that are not none, not 2"));
  Genes three = genes;
  three[2] = 0;
  CHECK(!space->valid(three));
  for (const Genes& large : space->large_ones()) CHECK(space->valid(large));

  // The older input is the stem's first layer, twice as large as the second.
  const Graph graph = space->network({.image_size = 16}, {&genes, 1});
  std::vector<std::string> names;
  int side_by_side = 0;
  for (const Node& node : graph.nodes()) {
    if (node.kind == NodeKind::conv) names.push_back(node.name);
    side_by_side += node.kind == NodeKind::concat ? 1 : 0;
  }
  const auto has = [&](const char* name) { return std::count(names.begin(), names.end(), name) == 1; };
  CHECK(has("cells.0.preprocess0.conv_1"));
  CHECK(has("cells.1.preprocess0.op.1"));
  CHECK(has("cells.2.nodes.3.op.1"));
  CHECK(has("cells.2.3.1.op.1"));
  CHECK(has("cells.3.preprocess0.conv_1"));
  // Two of the reduction and one of every normal cell; factorised ones of cells 0 and 3.
  CHECK(side_by_side == 2 + 3 + 2);

  // Five cells by themselves: two, and three of which the first reduces.
  const Graph alone = space->network({.kind = NetworkKind::stand_alone, .image_size = 16}, {&genes, 1});
  std::vector<int> channels;
  int drops = 0;
  for (const Graph::Feature& feature : alone.features())
    channels.push_back(alone[feature.node].shape.channels);
  for (const Node& node : alone.nodes()) drops += node.kind == NodeKind::drop_path ? 1 : 0;
  CHECK(channels == std::vector<int>{6, 12, 12, 9, 18, 18, 18});
  CHECK(drops == 4 * 2);  // convolutions of the normal cells; a skip has none
  CHECK(
      contains(test::error_of(ErrorCode::usage, [&] { space->network({.image_size = 16, .cells = 1}, {}); }),
               "--cells 1: "));
}

TEST_CASE("the exact search of cells with a rule finds what looking at all of them does") {
  const std::string begin = R"({
    "name": "ruled",
    "input": {"image_size": 16},
    "stem": [{"op": "conv_norm", "channels": 8, "activation": "none"}],
    "cells": {
      "normal": {"inputs": 2, "nodes": 4, "edges_per_node": 2, "ops": ["conv_3x3", "none", "skip"]})";
  const std::string stages = R"(},
    "stages": [
      {"cell": "normal", "channels": 8, "repeats": 2},
      {"cell": "normal", "channels": 12, "stride": 2, "opens_with": "reduce"}
    ]
  })";
  const std::string reduce = R"(,
      "reduce": {"inputs": 2, "nodes": 4, "edges_per_node": 1, "output": "concat", "ops": ["none", "skip", "conv_1x1"]})";
  for (const std::string& file :
       {begin + reduce + stages, begin + replaced(stages, "\"reduce\"", "\"normal\"")}) {
    const Space& space = add_file_space(file, "x.json");
    SpaceSpec spec{.name = space.name(), .image_size = 16};
    for (const std::uint64_t seed : {1u, 2u, 3u}) {
      const auto sums = test::random_sums(supernet_segments(spec.name, 10), seed);
      spec.constraint = {};
      const auto all = make_search_space(spec, sums);
      spec.constraint.max_macs = all->macs(all->exact().genes) - 1;
      const auto limited = make_search_space(spec, sums);
      for (const SearchSpace* searched : {all.get(), limited.get()}) {
        const Optimum found = searched->exact(), best = exact_by_enumeration(*searched);
        CHECK(found.proven);
        CHECK(searched->legal(found.genes));
        CHECK(searched->angle_rad(found.genes) ==
              doctest::Approx(searched->angle_rad(best.genes)).epsilon(1e-12));
        CHECK(found.bound_rad >= searched->angle_rad(best.genes) - 1e-12);
      }
    }
  }
}

TEST_CASE("skips merge with what they hand on in a sum, and not side by side") {
  CellSpec cell{.edges = {{1, 0}, {2, 0}, {2, 1}},
                .choices = {{.ops = {"none", "skip", "conv"}, .none = 0, .identity = 1}},
                .first_output = 2,
                .node_names = {"input", "node 1", "output"}};
  const Genes around = {1, 0, 2}, straight = {0, 2, 0};
  CHECK(expression_of(cell, around) == expression_of(cell, straight));
  cell.joins_by_concat = true;
  CHECK(expression_of(cell, around) != expression_of(cell, straight));
  CHECK(expression_of(cell, Genes{1, 2, 1}) != expression_of(cell, Genes{1, 1, 2}));
}

TEST_CASE("mistakes in cells with two inputs are told by line and field") {
  CHECK(mistake(test::kTwoInputs) == "");
  const auto two = [](const std::string& from, const std::string& to) {
    return mistake(test::kTwoInputs, from, to);
  };
  CHECK(two("\"edges_per_node\": 2", "\"edges_per_node\": 3") ==
        "x.json: line 10: cells.normal.edges_per_node: node 2 has 2 in all");
  CHECK(two("\"conv_3x3\", \"none\", \"skip\"]", "\"conv_3x3\", \"skip\"]") ==
        "x.json: line 10: cells.normal.edges_per_node: the edge from 0 to 2 has to offer 'none' and another "
        "operation");
  CHECK(two("\"inputs\": 2", "\"inputs\": 3") ==
        "x.json: line 10: cells.normal.inputs: must be a whole number in 1..2, not 3");
  CHECK(contains(two("\"inputs\": 2, \"nodes\": 4, \"edges_per_node\": 2,", "\"inputs\": 1, \"nodes\": 4,"),
                 "x.json: line 13: cells.reduce: all cells of a file have the same number of inputs"));
  CHECK(contains(two("\"opens_with\": \"reduce\"", "\"opens_with\": \"reduced\""),
                 "x.json: line 26: stages[1].opens_with: 'reduced' is not one of normal, reduce"));
  CHECK(contains(two("\"opens_with\": \"reduce\"", "\"opens_with\": [\"conv_3x3\"]"),
                 "stages[1].opens_with: must be the name of a cell"));
  CHECK(contains(two(", \"opens_with\": \"reduce\"", ""), "stages[1].stride: a stage that halves the image"));
  CHECK(contains(two("\"repeats\": 2", "\"repeats\": 0"), "stages[0].repeats: a stage without 'opens_with'"));
  CHECK(contains(two("\"skip\", \"sep_conv_3x3\"", "\"norm\", \"sep_conv_3x3\""),
                 "stages[1].opens_with: cell 'reduce' offers 'norm' on an edge from input 0"));
  CHECK(contains(two("\"stride\": 2}\n  ]", "\"stride\": 2, \"older_input\": true}\n  ]"),
                 "line 6: stem[1].older_input: stem[0] is it already"));
  CHECK(contains(two("\"cells\": 5", "\"cells\": 1"), "stand_alone.cells: must be a whole number in 2..100"));
  CHECK(contains(two("\"weights\": {", "\"head\": {\"auxiliary\": {\"strides\": 3}}, \"weights\": {"),
                 "head.auxiliary.strides: unknown field 'strides'; did you mean 'stride'?"));
  CHECK(contains(two("cells.{position}.{edge}.{op}", "cells.{position}.{target}.{op}"),
                 "weights.choices: needs {source}"));
}
