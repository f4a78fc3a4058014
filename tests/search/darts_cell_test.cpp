// DARTS cells, genotypes and counts against the published figures (method.md 15.1-15.3, appendices A and D).
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <vector>

#include "kernels/check.h"
#include "search/spaces.h"
#include "tests/search/darts_support.h"
#include "tests/support/errors.h"
#include "tests/support/published_names.h"

using namespace rlnas;
using namespace rlnas::darts;
using namespace rlnas::test;

namespace {

Architecture everywhere(Op op) {  // all 14 edges of both cells
  Architecture architecture;
  architecture.normal.ops.fill(op);
  architecture.reduce.ops.fill(op);
  return architecture;
}

std::string error_of(const std::string& text) {
  return test::error_of(ErrorCode::usage, [&] { parse_architecture(text); });
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

// Walks every path instead of counting by dynamic programming.
void walk(const Cell& cell, int node, std::vector<int>& edges, std::array<int, kEdgeCount>& visits) {
  if (node >= kInputCount) {
    for (const int edge : edges) ++visits[std::size_t(edge)];
  }
  for (int edge = 0; edge < kEdgeCount; ++edge) {
    if (kEdges[std::size_t(edge)].source != node || cell.ops[std::size_t(edge)] == Op::none) continue;
    edges.push_back(edge);
    walk(cell, kEdges[std::size_t(edge)].target, edges, visits);
    edges.pop_back();
  }
}

Genes genes_of_cell(const Cell& cell) {
  Genes genes;
  for (const Op op : cell.ops) genes.push_back(std::int8_t(op));
  return genes;
}

// By the normal cell's table, which is the reduction cell's too.
const CellPathTable& paths_of_cells() {
  static const CellPathTable table(cifar_space().cells().front());
  return table;
}

std::vector<int> path_multiplicity(const Cell& cell) {
  const Genes genes = genes_of_cell(cell);
  const std::span<const std::uint8_t> paths = paths_of_cells().multiplicity(genes);
  return {paths.begin(), paths.end()};
}

int live_paths(const Cell& cell) {
  return paths_of_cells().live_paths(genes_of_cell(cell));
}

void check_multiplicity(const Cell& cell) {
  std::array<int, kEdgeCount> visits{};
  std::vector<int> edges;
  walk(cell, 0, edges, visits);
  walk(cell, 1, edges, visits);
  REQUIRE(std::vector<int>(visits.begin(), visits.end()) == path_multiplicity(cell));
}

// The network whose costs count; channels 0: as published.
NetworkOptions stand_alone(Preset preset, int channels = 0) {
  const DartsNetwork supernet = published_supernet(preset);
  NetworkOptions options =
      supernet.space().published_stand_alone(supernet.size.classes, supernet.size.image_size);
  options.channels = channels;
  return options;
}

CountTable published_lengths(Preset preset) {
  const DartsNetwork network = published_supernet(preset);
  return length_table(network.space(), network.size, published_segments(network));
}

}  // namespace

TEST_CASE("published genotypes and their codes name the same architectures") {
  const struct {
    const char* genotype;
    const char* code;
  } known[] = {
      {kRlnasCifar, "5,4 6,0,5 4,0,0,7 0,7,6,0,0 | 5,6 4,0,5 0,6,0,4 0,1,5,0,0"},
      {kRlnasImagenetUncapped, "4,4 0,4,4 4,5,0,0 4,4,0,0,0 | 4,4 5,0,4 5,0,5,0 0,0,4,0,4"},
      {kRlnasImagenet, "4,4 0,3,4 0,4,4,0 3,0,0,0,4 | 4,1 4,3,0 4,6,0,0 3,4,0,0,0"},
      {kDartsV2, "4,4 4,4,0 3,4,0,0 3,0,6,0,0 | 1,1 0,1,3 1,0,3,0 0,1,3,0,0"},
      {kPcDartsCifar, "3,4 4,6,0 5,4,0,0 2,6,0,0,0 | 1,5 0,5,5 4,0,0,4 0,4,4,0,0"},
  };
  for (const auto& [genotype_text, code_text] : known) {
    CAPTURE(genotype_text);
    const Architecture architecture = parse_architecture(genotype_text);
    CHECK(is_legal(architecture));
    CHECK(code(architecture) == code_text);
    CHECK(parse_architecture(code_text) == architecture);
    CHECK(parse_architecture(genotype(architecture)) == architecture);
  }
  CHECK(genotype(parse_architecture(kRlnasCifar)) == kRlnasCifar);
  CHECK(genotype(parse_architecture(kRlnasImagenetUncapped)) == kRlnasImagenetUncapped);
  CHECK(genotype(parse_architecture(kRlnasImagenet)) == kRlnasImagenet);
}

TEST_CASE("genotypes in the forms people paste") {
  const Architecture architecture = parse_architecture(kRlnasCifar);
  std::string text = kRlnasCifar;
  std::replace(text.begin(), text.end(), '\'', '"');
  CHECK(parse_architecture(text) == architecture);
  text = replaced(text, "normal_concat=range(2, 6)", "normal_concat = [ 2,3, 4,5, ]");
  text = "\n RLNAS_CIFAR\t=\n" + replaced(text, "), (", "),\n    (") + "\n";
  CHECK(parse_architecture(text) == architecture);
  CHECK(parse_architecture("5 4 6 0 5 4 0 0 7 0 7 6 0 0 5 6 4 0 5 0 6 0 4 0 1 5 0 0") == architecture);
  CHECK(parse_architecture("5,4,6,0,5,4,0,0,7,0,7,6,0,0|5,6,4,0,5,0,6,0,4,0,1,5,0,0") == architecture);
  for (int i = 0; i < 1000; ++i) {
    const Architecture any = random_architecture(11, i);
    REQUIRE(parse_architecture(genotype(any)) == any);
    REQUIRE(parse_architecture(code(any)) == any);
  }
}

TEST_CASE("a malformed architecture says what is wrong and where") {
  const std::string valid = kRlnasCifar;
  for (std::size_t cut = 0; cut < valid.size(); ++cut) {
    REQUIRE(error_of(valid.substr(0, cut)).find("at character") != std::string::npos);
  }
  const auto expect = [](const std::string& text, const std::string& message) {
    const std::string error = error_of(text);
    CAPTURE(error);
    CHECK(error.find(message) != std::string::npos);
  };
  expect("", "at character 1: expected 'Genotype' (or a code of 28 numbers)");
  expect("hello", "at character 1: expected 'Genotype'");
  expect(valid + "x", "unexpected text after the architecture");
  expect(replaced(valid, "sep_conv_5x5", "conv_5x5"),
         "at character 20: unknown operation 'conv_5x5' (known: max_pool_3x3, avg_pool_3x3");
  expect(replaced(valid, "sep_conv_5x5", "none"), "unknown operation 'none'");
  expect(replaced(valid, "5', 0)", "5', 2)"),
         "at character 35: expected the number of an input node of node 2, 0..1");
  expect(replaced(valid, "3', 1)", "3', 0)"), "the two inputs of node 2 are the same node 0");
  expect(replaced(valid, "range(2, 6)", "range(2, 5)"), "expected the end of the output nodes, 6..6");
  expect(replaced(valid, "range(2, 6)", "[2, 3, 4]"), "expected ',' (all of range(2, 6) are outputs)");
  expect(replaced(valid, "sep_conv_5x5'", "sep_conv_5x5\""), "expected ''' after the operation");
  expect(replaced(valid, "reduce=", "reduced="), "expected 'reduce' of the genotype");
  expect("5,4 6,0,5 4,0,0,7 0,7,6,0,0 | 5,6 4,0,5 0,6,0,4 0,1,5,0",
         "at character 56: expected an operation, 0..7");
  expect("5,4 6,0,8", "at character 9: expected an operation, 0..7");
  expect("5,4 6,1,5", "at character 5: node 3 has 3 inputs, expected two that are not 0");
  expect("5,0 6,0,5", "node 2 has 1 inputs");
  expect("5,4 6,0,55", "at character 9: expected an operation");
}

TEST_CASE("multiplicities: golden values, and an enumeration of the paths") {
  const Architecture cifar = parse_architecture(kRlnasCifar), imagenet = parse_architecture(kRlnasImagenet);
  CHECK(path_multiplicity(cifar.normal) == std::vector<int>{4, 4, 2, 0, 4, 1, 0, 0, 3, 0, 1, 2, 0, 0});
  CHECK(path_multiplicity(cifar.reduce) == std::vector<int>{4, 4, 2, 0, 4, 0, 1, 0, 3, 0, 1, 2, 0, 0});
  CHECK(path_multiplicity(imagenet.normal) == std::vector<int>{4, 4, 0, 1, 2, 0, 2, 4, 0, 1, 0, 0, 0, 3});
  CHECK(path_multiplicity(imagenet.reduce) == std::vector<int>{1, 1, 1, 1, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0});
  CHECK(live_paths(cifar.normal) == 12);
  CHECK(live_paths(cifar.reduce) == 12);
  CHECK(live_paths(imagenet.normal) == 12);
  CHECK(live_paths(imagenet.reduce) == 8);
  const Cell all = everywhere(Op::sep_conv_3x3).normal;
  CHECK(path_multiplicity(all) == std::vector<int>{8, 8, 4, 4, 8, 2, 2, 4, 8, 1, 1, 2, 4, 8});
  CHECK(live_paths(all) == 30);
  for (int live = 0; live < 1 << kEdgeCount; ++live) {  // every set of live edges, legal or not
    Cell cell;
    for (int edge = 0; edge < kEdgeCount; ++edge) {
      if (live >> edge & 1) cell.ops[std::size_t(edge)] = Op::skip_connect;
    }
    check_multiplicity(cell);
  }
}

TEST_CASE("FLOPs and parameters of the golden pairs") {
  const struct {
    const char* genotype;
    int channels;
    std::int64_t flops, params;
  } imagenet[] = {{kRlnasCifar, 48, 629123864, 5674720},
                  {kRlnasCifar, 46, 580550648, 5257581},
                  {kRlnasImagenet, 48, 596750936, 5463616},
                  {kDartsV2, 48, 530678552, 4718752}};
  for (const auto& golden : imagenet) {
    CAPTURE(golden.genotype);
    const NetworkOptions network = stand_alone(Preset::imagenet, golden.channels);
    CHECK(stand_alone_counts(imagenet_space(), network).macs.of(genes_of(golden.genotype)) == golden.flops);
    CHECK(stand_alone_counts(imagenet_space(), network).params.of(genes_of(golden.genotype)) ==
          golden.params);
    if (golden.channels != 48) continue;
    const NetworkOptions published = stand_alone(Preset::imagenet);
    CHECK(stand_alone_counts(imagenet_space(), published).macs.of(genes_of(golden.genotype)) == golden.flops);
  }
  // CIFAR: parameters exact, FLOPs published to 0.1 M.
  const struct {
    const char* genotype;
    std::int64_t params;
    double mflops;
  } cifar[] = {{kRlnasCifar, 4034710, 630.4}, {kDartsV2, 3349342, 528.4}, {kPcDartsCifar, 3634678, 0}};
  for (const auto& golden : cifar) {
    CAPTURE(golden.genotype);
    const NetworkOptions network = stand_alone(Preset::cifar);
    const Genes genes = genes_of(golden.genotype);
    CHECK(stand_alone_counts(cifar_space(), network).params.of(genes) == golden.params);
    if (golden.mflops > 0)
      CHECK(double(stand_alone_counts(cifar_space(), network).macs.of(genes)) / 1e6 ==
            doctest::Approx(golden.mflops).epsilon(0.05 / golden.mflops));
  }
  NetworkOptions odd = stand_alone(Preset::imagenet);
  odd.image_size = 100;
  CHECK_THROWS_AS(stand_alone_counts(imagenet_space(), odd).macs, Error);
  odd = stand_alone(Preset::cifar, 35);
  CHECK_THROWS_AS(stand_alone_counts(cifar_space(), odd).macs, Error);
  odd = stand_alone(Preset::cifar);
  odd.cells = 2;
  CHECK_THROWS_AS(stand_alone_counts(cifar_space(), odd).params, Error);
}

TEST_CASE("lengths of the angle vector") {
  constexpr std::int64_t kCifarFixed = 100720, kImagenetFixed = 2427232;
  const CountTable cifar_lengths = published_lengths(Preset::cifar);
  const CountTable imagenet_lengths = published_lengths(Preset::imagenet);
  CHECK(cifar_lengths.fixed == kCifarFixed);
  CHECK(imagenet_lengths.fixed == kImagenetFixed);
  const auto cifar = make_search_space({.name = "darts-cifar"});
  const auto imagenet = make_search_space({.name = "darts-imagenet", .classes = 1000, .image_size = 224});
  CHECK(cifar->angle_vector_length(genes_of(kRlnasCifar)) == 869680);
  CHECK(cifar->angle_vector_length(genes_of(kRlnasImagenet)) == 691696);
  CHECK(imagenet->angle_vector_length(genes_of(kRlnasCifar)) == 11759200);
  const struct {
    Op op;
    std::int64_t cifar, imagenet;
  } all_edges[] = {{Op::max_pool_3x3, 225280, 1148928},   {Op::avg_pool_3x3, 225280, 1148928},
                   {Op::skip_connect, 1021568, 15352704}, {Op::sep_conv_3x3, 2482176, 32968704},
                   {Op::sep_conv_5x5, 3137536, 36311040}, {Op::dil_conv_3x3, 1241088, 16484352},
                   {Op::dil_conv_5x5, 1568768, 18155520}};
  for (const auto& golden : all_edges) {
    CAPTURE(op_name(golden.op));
    const Genes genes = genes_of_architecture(everywhere(golden.op));
    CHECK(cifar->angle_vector_length(genes) == kCifarFixed + golden.cifar);
    CHECK(imagenet->angle_vector_length(genes) == kImagenetFixed + golden.imagenet);
  }
  // Nothing is what none adds, and a cell without paths has no vector.
  for (int gene = 0; gene < kGeneCount; ++gene) {
    CHECK(cifar_lengths.choices.at(gene, int(Op::none)) == 0);
    CHECK(imagenet_lengths.choices.at(gene, int(Op::none)) == 0);
  }
  CHECK(cifar->angle_vector_length(genes_of_architecture(everywhere(Op::none))) == 0);
}

TEST_CASE("the tests' SuperNet tensors carry the published names and shapes") {
  const struct {
    Preset preset;
    int tensors;
    std::int64_t elements;
    std::uint32_t crc;
  } golden[] = {{Preset::cifar, 3255, 2005114, 0x101e6304u}, {Preset::imagenet, 5650, 25624288, 0x1e26d8b1u}};
  for (const auto& expected : golden) {
    const SegmentTable segments = published_segments(published_supernet(expected.preset));
    CHECK(segments.size() == expected.tensors);
    CHECK(segments.element_count() == expected.elements);
    CHECK(crc_of_names(segments) == expected.crc);
  }
}

TEST_CASE("description and drawing") {
  const auto space = make_search_space({.name = "darts-imagenet", .classes = 1000, .image_size = 224});
  const Genes genes = genes_of(kRlnasImagenet);
  CHECK(space->macs(genes) == 596750936);
  CHECK(space->params(genes) == 5463616);
  const std::vector<CellPaths> paths = space->cell_paths(genes);
  REQUIRE(paths.size() == 2);
  CHECK(paths[0].cell == "normal");
  CHECK(paths[0].live == 12);
  CHECK(paths[1].cell == "reduce");
  CHECK(paths[1].live == 8);
  CHECK(paths[1].edges[0].paths == 1);
  const CountTable lengths = published_lengths(Preset::imagenet);
  std::int64_t length = lengths.fixed;
  int gene = 0;
  for (const CellPaths& cell : paths)
    for (const CellPaths::Edge& edge : cell.edges) {
      length += edge.paths * lengths.choices.at(gene, genes[std::size_t(gene)]);
      ++gene;
    }
  CHECK(gene == kGeneCount);
  CHECK(space->angle_vector_length(genes) == length);
  CHECK(space->drawing(genes) ==
        "normal cell\n"
        "  node 2 = sep_conv_3x3(cell k-2) + sep_conv_3x3(cell k-1)\n"
        "  node 3 = skip_connect(cell k-1) + sep_conv_3x3(node 2)\n"
        "  node 4 = sep_conv_3x3(cell k-1) + sep_conv_3x3(node 2)\n"
        "  node 5 = skip_connect(cell k-2) + sep_conv_3x3(node 4)\n"
        "  output = nodes 2, 3, 4 and 5 side by side\n"
        "reduction cell\n"
        "  node 2 = sep_conv_3x3(cell k-2) + max_pool_3x3(cell k-1)\n"
        "  node 3 = sep_conv_3x3(cell k-2) + skip_connect(cell k-1)\n"
        "  node 4 = sep_conv_3x3(cell k-2) + dil_conv_3x3(cell k-1)\n"
        "  node 5 = skip_connect(cell k-2) + sep_conv_3x3(cell k-1)\n"
        "  output = nodes 2, 3, 4 and 5 side by side\n");
}
