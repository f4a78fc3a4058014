// Own search spaces: what their files may say, and what is said of mistakes in them.
#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <regex>
#include <string>
#include <vector>

#include "engine/atomic_file.h"
#include "engine/philox.h"
#include "search/operations.h"
#include "search/space_file/space.h"
#include "search/spaces.h"
#include "tests/search/every_space.h"
#include "tests/search/space_file_mistakes.h"
#include "tests/support/errors.h"
#include "tests/support/golden_dir.h"
#include "tests/support/temporary_directory.h"

using namespace rlnas;
using rlnas::test::contains;
using rlnas::test::mistake;
using rlnas::test::replaced;
using rlnas::test::TemporaryDirectory;
using Json = nlohmann::json;

namespace {

// A chain with a mistake: {from, to} of its text.
constexpr const char* kChain = R"({
  "name": "chain",  // of three blocks
  "input": {"image_size": 16, "classes": 4},
  "stem": [{"op": "conv_norm", "channels": 8}],
  "operations": {
    "wide": {"op": "inverted_residual", "kernel": 5, "expansion": 4}
  },
  "stages": [
    {"channels": 8, "ops": ["conv_3x3", "skip"]},
    /* halves,
       twice */
    {"channels": 16, "stride": 2, "repeats": 2,
     "ops": ["wide", "residual_3x3", "skip"]}
  ],
  "limits": {"max_mflops": 3, "max_params": 90000},
  "recipe": {"supernet": {"epochs": 7, "schedule": "linear"}, "retrain": {"epochs": 9}}
})";

constexpr const char* kCells = R"({
  "name": "cells",
  "input": {"image_size": 16},
  "stem": [{"op": "conv_norm", "channels": 8, "activation": "none"}],
  "cells": {
    "normal": {
      "nodes": 4,
      "ops": ["none", "skip", "conv_3x3"],
      "edges": [
        {"from": 0, "to": 1},
        {"from": 0, "to": 2, "ops": ["conv_1x1"]},
        {"from": 1, "to": 3, "ops": ["avg_pool_3x3", "none"]},
        {"from": 2, "to": 3, "ops": ["skip", "conv_5x5"]}
      ]
    },
    "joined": {"nodes": 3, "output": "concat", "ops": ["sep_conv_3x3", "dil_conv_3x3", "max_pool_3x3"]}
  },
  "stages": [
    {"cell": "normal", "channels": 8, "repeats": 2},
    {"cell": "joined", "channels": 16, "stride": 2, "opens_with": ["factorized_reduce"]}
  ]
})";

}  // namespace

TEST_CASE("a chain of blocks: genes, text, limits and recipes are what the file says") {
  const auto space = space_file::make_space(kChain, "x.json");
  REQUIRE(space->gene_count() == 3);
  CHECK(space->choices(0) == 2);
  CHECK(space->choices(1) == 2);  // a skip cannot open the stage
  CHECK(space->choices(2) == 3);
  CHECK(space->text({1, 1, 2}) == "skip | residual_3x3 skip");
  CHECK(space->parse("skip | residual_3x3 skip") == Genes{1, 1, 2});
  CHECK(space->parse("1,1,2") == Genes{1, 1, 2});
  CHECK(space->parse(" skip | 1 wide") == Genes{1, 1, 0});
  CHECK(space->cells().empty());
  const SpaceInfo& info = space->info();
  CHECK(info.search.max_mflops == 3.0);
  CHECK(info.search.max_params == 90000);
  CHECK(info.search.classes == 4);
  CHECK(info.search.image_size == 16);
  CHECK(info.image_halvings == 1);
  CHECK(space->supernet_recipe().recipe.epochs == 7);
  CHECK(space->supernet_recipe().recipe.schedule == Schedule::linear);
  CHECK(space->supernet_recipe().data.image_size == 16);
  CHECK(space->retrain_recipe().recipe.epochs == 9);
  CHECK(space->retrain_recipe().labels.kind == LabelKind::from_data);
  CHECK(contains(space->drawing({1, 1, 2}), "16 -> 8"));
  for (const char* bad : {"", "skip", "skip skip", "skip wide | wide", "skip wide none",
                          "skip wide wide wide", "2 0 0", "skip wide; wide"}) {
    CAPTURE(bad);
    CHECK(contains(test::error_of(ErrorCode::usage, [&] { space->parse(bad); }), "at character "));
  }
}

TEST_CASE("cells: own candidates of an edge, several kinds of cells, nodes side by side") {
  const auto space = space_file::make_space(kCells, "x.json");
  REQUIRE(space->cells().size() == 2);
  CHECK(space->gene_count() == 4 + 3);
  CHECK(space->choices(0) == 3);
  CHECK(space->choices(1) == 1);
  CHECK(space->choices(2) == 2);
  const Genes genes{2, 0, 0, 1, 0, 1, 2};
  CHECK(space->text(genes) ==
        "conv_3x3 conv_1x1 avg_pool_3x3 conv_5x5 | sep_conv_3x3 dil_conv_3x3 max_pool_3x3");
  CHECK(space->parse(space->text(genes)) == genes);
  CHECK(space->drawing(genes) ==
        "cell normal\n"
        "  node 1 = conv_3x3(input)\n"
        "  node 2 = conv_1x1(input)\n"
        "  output = avg_pool_3x3(node 1) + conv_5x5(node 2)\n"
        "cell joined\n"
        "  node 1 = sep_conv_3x3(input)\n"
        "  node 2 = dil_conv_3x3(input) + max_pool_3x3(node 1)\n"
        "  output = all nodes side by side, and a 1x1 convolution\n");
  CHECK(space->info().image_halvings == 1);
  const Graph graph = space->network({.image_size = 16}, {&genes, 1});
  int concats = 0;
  for (const Node& node : graph.nodes()) concats += node.kind == NodeKind::concat ? 1 : 0;
  CHECK(concats == 2);  // the factorised reduction and the cell's output
  // A node that nothing leads to is drawn anew: node 1 has one edge, which may come out as none.
  const StepPaths sampler = space->make_sampler({.seed = 3, .own_paths = 0});
  for (int step = 0; step < 100; ++step) CHECK(sampler(step).front()[0] != 0);
}

TEST_CASE("the name of a space tells what its file says, and not how it is written") {
  const std::string name = space_file::make_space(kChain, "x.json")->name();
  CHECK(name.starts_with("chain@"));
  CHECK(name.size() == 14);
  const auto name_with = [&](const std::string& from, const std::string& to) {
    return space_file::make_space(replaced(kChain, from, to), "y.json")->name();
  };
  CHECK(name_with("// of three blocks", "") == name);
  CHECK(name_with("\"image_size\": 16, \"classes\": 4", "\"classes\" : 4,\n\"image_size\": 16") == name);
  CHECK(name_with("\"epochs\": 7", "\"epochs\": 8") != name);
  const Space& kept = add_file_space(kChain, "x.json");
  CHECK(&find_space(name) == &kept);
  CHECK(&add_file_space(replaced(kChain, "// of three blocks", ""), "z.json") == &kept);
  CHECK(is_space(name));
}

TEST_CASE("a mistake in a file is told by line and field, with what may have been meant") {
  CHECK(mistake(kChain) == "");
  CHECK(mistake(kCells) == "");
  CHECK(mistake(kCells, "\"conv_5x5\"]", "\"conv5\"]") ==
        "x.json: line 13: cells.normal.edges[3].ops[1]: unknown operation 'conv5'; did you mean 'conv_5x5'?");
  CHECK(mistake(kChain, "\"wide\", \"residual_3x3\"", "\"wide\", \"residul_3x3\"") ==
        "x.json: line 13: stages[1].ops[1]: unknown operation 'residul_3x3'; did you mean 'residual_3x3'?");
  CHECK(mistake(kChain, "\"stride\": 2", "\"strides\": 2") ==
        "x.json: line 12: stages[1].strides: unknown field 'strides'; did you mean 'stride'?");
  CHECK(mistake(kChain, "\"channels\": 16", "\"channels\": \"16\"") ==
        "x.json: line 12: stages[1].channels: must be a whole number in 1..8192, not \"16\"");
  CHECK(mistake(kChain, "\"kernel\": 5", "\"kernel\": 4") ==
        "x.json: line 6: operations.wide.kernel: must be odd, not 4");
  CHECK(mistake(kChain, "\"expansion\": 4", "\"expan\": 4") ==
        "x.json: line 6: operations.wide.expan: unknown field 'expan'; did you mean 'expansion'?");
  CHECK(mistake(kChain, "\"conv_3x3\"", "\"conv\"") ==
        "x.json: line 9: stages[0].ops[0]: 'conv' needs its kernel: 'conv_3x3'");
  CHECK(mistake(kChain, "\"linear\"", "\"linaer\"")
            .starts_with("x.json: line 16: recipe.supernet.schedule: 'linaer' is not one of cosine, "));
  CHECK(mistake(kChain, "\"epochs\": 9", "\"epoch\": 9") ==
        "x.json: line 16: recipe.retrain.epoch: unknown field 'epoch'; did you mean 'epochs'?");
  CHECK(contains(mistake(kChain, "\"epochs\": 9", "\"out\": \"x\""),
                 "recipe.retrain.out: unknown field 'out'"));
  CHECK(mistake(kChain, "\"name\": \"chain\",", "") == "x.json: line 1: 'name' is missing");
  CHECK(contains(mistake(kChain, "\"name\": \"chain\",", "\"name\": \"chain\""), "x.json: line 3, column "));
  CHECK(contains(mistake(""), "x.json: line 1, column 1: "));
  CHECK(contains(mistake("[]"), "x.json: line 1: must be an object"));
  CHECK(contains(mistake("3"), "x.json: line 1: must be an object"));
  CHECK(contains(mistake(kChain, "\"conv_3x3\"", "\"none\""), "stages[0].ops[0]: 'none' is for edges"));
  CHECK(contains(mistake(kChain, "\"conv_3x3\"", "\"skip\""),
                 "stages[0].ops[1]: 'skip' is in the list already"));
  CHECK(contains(mistake(kChain, "\"residual_3x3\"", "\"avg_pool_3x3\""),
                 "stages[1].ops[1]: 'avg_pool_3x3' cannot bring 8 channels to 16 at stride 2"));
  CHECK(contains(mistake(kChain, "\"conv_3x3\", \"skip\"", "\"reduction_block\""),
                 "'reduction_block' cannot bring 8 channels to 8 at stride 1"));
  CHECK(contains(mistake(kChain, "\"wide\": {", "\"3\": {"), "a name is no number"));
  CHECK(contains(mistake(kChain, "{\"op\": \"conv_norm\", \"channels\": 8}",
                         "{\"op\": \"conv_norm\", \"channels\": 8, \"groups\": 5}"),
                 "a convolution of 3 channels in 5 groups"));
  CHECK(
      contains(mistake(kCells, "\"to\": 2", "\"to\": 1"), "edges[1]: there is an edge from 0 to 1 already"));
  CHECK(contains(mistake(kCells, "\"to\": 2", "\"to\": 4"), "edges[1].to: must be a whole number in 1..3"));
  CHECK(contains(mistake(kCells, "\"opens_with\": [\"factorized_reduce\"]", "\"repeats\": 1"),
                 "stages[1]: 'opens_with' has to bring 8 channels to 16 at stride 2"));
  CHECK(contains(mistake(kCells, "\"cell\": \"joined\"", "\"cell\": \"normal\""),
                 "cells.joined: no stage has it"));
  CHECK(
      contains(mistake(kCells, "[\"conv_1x1\"]", "[\"none\"]"), "no edge with an operation leads to node 2"));
  CHECK(contains(
      mistake(kCells, "\"skip\", \"conv_5x5\"", "{\"op\": \"skip\", \"constant\": \"none\"}, \"conv_5x5\""),
      "'skip' is the name of another operation in this file"));
}

TEST_CASE("what is in a file twice, and what is for cells with two inputs, is told by line and field") {
  CHECK(contains(mistake(kChain, "\"channels\": 8}]", "\"channels\": 8, \"older_input\": true}]"),
                 "line 4: stem[0].older_input: is for cells with two inputs"));
  CHECK(contains(mistake(kCells, "\"stages\": [", "\"head\": {\"auxiliary\": {}}, \"stages\": ["),
                 "head.auxiliary: stands behind the cell that opens the last stage"));
  CHECK(mistake(kChain, "\"channels\": 16", "\"channels\": 16, \"channels\": 8") ==
        "x.json: line 12: stages[1].channels: is here already");
  CHECK(mistake(kChain, "\"limits\": {", "\"li\\u006dits\": {},\n\"limits\": {") ==
        "x.json: line 16: limits: is here already");
  CHECK(mistake(kCells, "\"edges\": [", "// \"nodes\": 4\n\"edges\": [],\n\"edges\": [") ==
        "x.json: line 11: cells.normal.edges: is here already");
}

TEST_CASE("a file that has not changed is the space that was read of it") {
  const TemporaryDirectory directory;
  const std::string path = directory / "mine.json";
  write_file_atomically(path, kChain);
  const Space& space = find_space("file:" + path);
  CHECK(&find_space("file:" + path) == &space);
  write_file_atomically(path, replaced(kChain, "\"epochs\": 7", "\"epochs\": 8"));
  CHECK(&find_space("file:" + path) != &space);
  CHECK(find_space("file:" + path).supernet_recipe().recipe.epochs == 8);
  write_file_atomically(path, kChain);
  CHECK(&find_space("file:" + path) == &space);
}

TEST_CASE("whatever is mistyped in a file is refused in one line, or makes a space that builds") {
  constexpr std::string_view kTyped = "0123456789-.,:{}[]\"/* aenst";
  for (const std::string text : {kChain, kCells, test::kTwoInputs}) {
    RandomStream random(11, "mistyped");
    int refused = 0;
    for (int trial = 0; trial < 1500; ++trial) {
      std::string mistyped = text;
      const std::size_t at = random.below(std::uint32_t(text.size()));
      const char typed = kTyped[random.below(std::uint32_t(kTyped.size()))];
      switch (random.below(3)) {
        case 0:
          mistyped[at] = typed;
          break;
        case 1:
          mistyped.insert(at, 1, typed);
          break;
        default:
          mistyped.erase(at, 1 + random.below(8));
      }
      CAPTURE(mistyped);
      const std::string error = mistake(mistyped);
      REQUIRE(error.find('\n') == std::string::npos);
      if (!error.empty()) {
        ++refused;
        REQUIRE(error.starts_with("x.json: line "));
      }
    }
    CHECK(refused > 700);
    CHECK(refused < 1500);
  }
}

TEST_CASE("--space takes files, and says so") {
  CHECK(contains(test::error_of(ErrorCode::usage, [] { find_space("chan"); }), ", or file:PATH"));
  CHECK(contains(test::error_of(ErrorCode::data, [] { find_space("file:nowhere.json"); }), "nowhere.json"));
  CHECK(find_space(test::shipped_space("mobilenet")).name().starts_with("mobilenet@"));
}

TEST_CASE(
    "docs/own_spaces.md and the schema list the operations of the registry, and the examples are spaces") {
  const std::string page = read_file(test::source_file("docs/own_spaces.md"));
  const std::size_t first = page.find("\n- `none`"), last = page.find("\n\n", first);
  // The list, with wrapped items as one line each.
  const std::string list = std::regex_replace(page.substr(first, last + 1 - first), std::regex("\n  +"), " ");
  const Json schema = Json::parse(read_file(test::source_file("spaces/schema.json")));
  const Json& properties = schema.at("$defs").at("choice").at("oneOf").at(1).at("properties");
  Json names = Json::array();
  std::size_t rows = 0;
  for (const Operation& operation : operations()) {
    names.push_back(operation.name);
    std::string row = "- `" + std::string(operation.name) + "`";
    for (const OperationParameter& parameter : operation.parameters) {
      const bool word = !parameter.words.empty();
      const auto written = [&](int value) {
        return word ? std::string(parameter.words[std::size_t(value)]) : std::to_string(value);
      };
      row += std::string(", ") + parameter.name + " (" + written(parameter.standard);
      if (!word) row += ", " + written(parameter.low) + ".." + written(parameter.high);
      for (std::size_t i = 0; i < parameter.words.size(); ++i)
        row += std::string(i == 0 ? "; " : ", ") + parameter.words[i];
      row += ")";
      CAPTURE(parameter.name);
      CHECK(properties.contains(parameter.name));
    }
    row += ": " + std::string(operation.help) + "\n";
    INFO(row);
    CHECK(contains(list, row));
    ++rows;
  }
  CHECK(schema.at("$defs").at("operation").at("anyOf").at(0).at("enum") == names);
  CHECK(std::size_t(std::count(list.begin(), list.end(), '\n')) == rows + 1);
  const auto example = [&](std::size_t from) {
    const std::size_t begin = page.find("```jsonc\n", from) + 9;
    return page.substr(begin, page.find("```", begin) - begin);
  };
  CHECK(mistake(example(0)) == "");
  CHECK(mistake("{\"name\": \"x\",\n" + example(page.find("## Cells\n")) + "}") == "");
  CHECK(mistake("{\"name\": \"x\",\n" + example(page.find("## Cells with two")) + "}") == "");
  std::vector<std::string> shipped{"nasbench201", "mobilenet", "darts-cifar", "darts-imagenet"};
  shipped.insert(shipped.end(), test::kOwnSpaces.begin(), test::kOwnSpaces.end());
  for (const std::string& name : shipped) {
    const Space& space = find_space(test::shipped_space(name));
    const Json file = Json::parse(space.file_text(), nullptr, true, true);
    for (const auto& [key, value] : file.items()) CHECK(schema.at("properties").contains(key));
  }
}

TEST_CASE(
    "a bottleneck: three convolutions, the middle one narrow and strided, and a shortcut where it is "
    "needed") {
  const auto nodes_of = [](int channels, int stride, OperationValues values) {
    Graph graph;
    const int x = graph.input({16, 8, 8});
    const int y = find_operation("bottleneck")->build({graph, x, "op", channels, stride}, values);
    CHECK(graph[y].kind == NodeKind::activation);
    const Node& sum = graph[graph[y].inputs.front()];
    CHECK(sum.kind == NodeKind::sum);
    std::vector<std::string> convolutions;
    for (const Node& node : graph.nodes())
      if (node.kind == NodeKind::conv)
        convolutions.push_back(node.name + " " + std::to_string(node.conv.kernel) + " " +
                               std::to_string(node.conv.in_channels) + "->" +
                               std::to_string(node.conv.out_channels) + " /" +
                               std::to_string(node.conv.stride) + " g" + std::to_string(node.conv.groups));
    CHECK((sum.inputs.back() == x) == (convolutions.size() == 3));
    return convolutions;
  };
  CHECK(nodes_of(16, 1, {3, 4, 1}) ==
        std::vector<std::string>{"op.0 1 16->4 /1 g1", "op.3 3 4->4 /1 g1", "op.6 1 4->16 /1 g1"});
  CHECK(nodes_of(32, 2, {5, 2, 4}) == std::vector<std::string>{"op.0 1 16->16 /1 g1", "op.3 5 16->16 /2 g4",
                                                               "op.6 1 16->32 /1 g1",
                                                               "op.shortcut.0 1 16->32 /2 g1"});
}

TEST_CASE("every operation of the registry builds what it says, at every stride that it takes") {
  for (const Operation& operation : operations()) {
    CAPTURE(operation.name);
    CHECK(find_operation(operation.name) == &operation);
    if (operation.is_none()) continue;
    OperationValues values;
    for (const OperationParameter& parameter : operation.parameters) {
      values.push_back(parameter.standard);
      CHECK(parameter.standard >= parameter.low);
      CHECK(parameter.standard <= parameter.high);
    }
    for (const int stride : {1, 2}) {
      if (operation.only_halves ? stride == 1 : stride == 2 && operation.reshapes == Reshapes::nothing)
        continue;
      for (const int channels : {8, 12}) {
        if (channels != 8 && operation.reshapes != Reshapes::all) continue;
        Graph graph;
        const int x = graph.input({8, 16, 16});
        const int y = operation.build({graph, x, "op", channels, stride}, values);
        CHECK(graph[y].shape == FeatureShape{channels, 16 / stride, 16 / stride});
        CHECK(operation.passes_on == (y == x));
      }
    }
  }
}
