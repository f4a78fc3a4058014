// What holds for every registered space: names of its own, text that reads back, tables that are its graphs'
// costs, and every indicator as a score.
#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "engine/philox.h"
#include "kernels/check.h"
#include "ops/network_layout.h"
#include "search/search_report.h"
#include "tests/search/darts_support.h"
#include "tests/search/every_space.h"
#include "tests/search/published_search.h"

using namespace rlnas;
using Json = nlohmann::json;
using test::contains;
using test::published_search;
using test::published_sums;
using test::refusal;

namespace {

const std::vector<std::string> kCountScores{"layers", "macs", "params"};

bool is_enumerable(const Space& space) {
  return gene_strings(space, 1'000'000) < 1'000'000;
}

std::vector<Genes> architectures_of(const Space& space, int count) {
  std::vector<Genes> sample = space.angle_sample(count);
  sample.push_back(space.largest());
  return sample;
}

SegmentTable tensors_of(const Graph& graph) {
  return NetworkLayout(graph, Initializer::pytorch).tensors().parameters();
}

Graph network_of(const Space& space, const NetworkOptions& options, const Genes& genes) {
  return space.network(options, std::span(&genes, 1));
}

std::vector<double> in_order_of_rank(const SearchReport& report, const std::string& indicator) {
  std::vector<double> values(report.evaluated.size());
  for (const FoundArchitecture& found : report.evaluated)
    values.at(std::size_t(found.rank) - 1) = report.value(found, indicator);
  return values;
}

double count_of(const SearchSpace& space, const std::string& score, const Genes& genes) {
  return double(score == "layers" ? space.layers(genes)
                : score == "macs" ? space.macs(genes)
                                  : space.params(genes));
}

// The CSV's fields behind the architecture, which may be quoted.
std::vector<std::string> fields_behind_arch(const std::string& line) {
  std::istringstream rest(line.substr(line.rfind('"') == std::string::npos ? 0 : line.rfind('"')));
  std::vector<std::string> fields;
  for (std::string field; std::getline(rest, field, ',');) fields.push_back(field);
  return fields;
}

}  // namespace

TEST_CASE("every space has a name, a title and a signature tensor of its own") {
  std::set<std::string> names, titles;
  for (const Space* space : all_spaces()) {
    CAPTURE(space->name());
    CHECK(names.insert(space->name()).second);
    CHECK(titles.insert(space->info().title).second);
    CHECK(&find_space(space->name()) == space);
    CHECK(is_space(space->name()));
    CHECK(contains(space_names(), space->name()));
    const SegmentTable tensors = supernet_segments(space->name(), 10);
    for (const Space* other : all_spaces())
      CHECK((tensors.find(other->info().signature_tensor) >= 0) == (other == space));
    CHECK(make_search_space({.name = space->name()})->name() == space->name());
  }
  CHECK(&default_space() == all_spaces().front());
  CHECK(!is_space("darts"));
  CHECK_THROWS_WITH_AS(find_space("darts"), ("--space: 'darts' is not one of " + known_spaces()).c_str(),
                       Error);
}

TEST_CASE("every space: an architecture's text reads back to its genes, and no other has it") {
  for (const Space* space : test::every_space()) {
    CAPTURE(space->name());
    std::set<Genes> architectures;
    std::set<std::string> texts, drawings;
    for (const Genes& genes : architectures_of(*space, 300)) {
      REQUIRE(int(genes.size()) == space->gene_count());
      for (int gene = 0; gene < space->gene_count(); ++gene)
        REQUIRE((genes[std::size_t(gene)] >= 0 && genes[std::size_t(gene)] < space->choices(gene)));
      REQUIRE(space->valid(genes));
      const std::string text = space->text(genes);
      REQUIRE(space->parse(text) == genes);
      REQUIRE(text.find('\n') == std::string::npos);
      architectures.insert(genes);
      texts.insert(text);
      drawings.insert(space->drawing(genes));
    }
    CHECK(texts.size() == architectures.size());
    CHECK(drawings.size() == architectures.size());
    if (gene_strings(*space, 10'000) == 10'000) CHECK(architectures.size() > 290);
    CHECK(test::error_of(ErrorCode::usage, [&] { space->parse(""); }) != "");
    CHECK_THROWS_AS(space->text(Genes(std::size_t(space->gene_count()) - 1)), Error);
    CHECK_THROWS_AS(space->text(Genes(std::size_t(space->gene_count()), 100)), Error);
    for (int i = 0; i < space->benchmark_size(); i += 97)
      REQUIRE(space->benchmark_index(space->benchmark_genes(i)) == i);
  }
}

TEST_CASE("every space: repaired raw genes are an architecture, which repair leaves alone") {
  for (const Space* space : test::every_space()) {
    CAPTURE(space->name());
    RandomStream random(1, "raw genes");
    for (int trial = 0; trial < 300; ++trial) {
      Genes genes;
      for (int gene = 0; gene < space->gene_count(); ++gene)
        genes.push_back(std::int8_t(random.below(std::uint32_t(space->choices(gene)))));
      space->repair(genes, [&](std::uint32_t n) { return random.below(n); });
      REQUIRE(space->valid(genes));
      REQUIRE(space->parse(space->text(genes)) == genes);
      Genes again = genes;
      space->repair(again, [](std::uint32_t) -> std::uint32_t {
        FAIL("nothing to draw");
        return 0;
      });
      REQUIRE(again == genes);
    }
  }
}

TEST_CASE("every space: the tables add up to the costs of the architecture's own graph") {
  for (const Space* space : test::every_space()) {
    CAPTURE(space->name());
    const SearchDefaults& search = space->info().search;
    const NetworkOptions options = space->published_stand_alone(search.classes, search.image_size);
    const auto counted = make_search_space(
        {.name = space->name(), .classes = search.classes, .image_size = search.image_size});
    for (const Genes& genes : architectures_of(*space, 20)) {
      const Graph graph = network_of(*space, options, genes);
      std::int64_t macs = 0, params = 0;
      int layers = 0;
      for (const Node& node : graph.nodes()) {
        const bool classifier = node.kind == NodeKind::linear;
        macs += classifier ? space->info().classifier_flops(graph[node.inputs.front()].shape.channels,
                                                            search.classes)
                           : cost_of(node, graph).macs;
        params += cost_of(node, graph).params;
        layers += classifier || node.kind == NodeKind::conv ? 1 : 0;
      }
      REQUIRE(counted->macs(genes) == macs);
      REQUIRE(counted->params(genes) == params);
      REQUIRE(counted->layers(genes) == layers);
      REQUIRE(tensors_of(graph).element_count() == params);
    }
  }
}

TEST_CASE("every space: a path's tensors are the SuperNet's, and every gene has its sites") {
  for (const Space* space : test::every_space()) {
    CAPTURE(space->name());
    const NetworkOptions options{.classes = 10, .image_size = space->info().search.image_size};
    const SegmentTable all = supernet_segments(space->name(), options.classes);
    for (const Genes& genes : architectures_of(*space, 5)) {
      const SegmentTable tensors = tensors_of(network_of(*space, options, genes));
      CHECK(tensors.size() < all.size());
      for (const Segment& tensor : tensors) {
        const int found = all.find(tensor.name);
        REQUIRE(found >= 0);
        REQUIRE(all[found].shape == tensor.shape);
        REQUIRE(all[found].cell == tensor.cell);
        REQUIRE(all[found].edge == tensor.edge);
        REQUIRE(all[found].op == tensor.op);
      }
    }
    std::set<int> genes_with_sites;
    const std::vector<ChoiceSite> sites = space->choice_sites(options);
    for (const ChoiceSite& site : sites) {
      genes_with_sites.insert(site.gene);
      CHECK(site.channels > 0);
      CHECK(gene_of(sites, site.cell, site.edge) == site.gene);
    }
    CHECK(int(genes_with_sites.size()) == space->gene_count());
    CHECK(*genes_with_sites.rbegin() == space->gene_count() - 1);
    CHECK(gene_of(sites, -1, -1) == -1);
  }
}

TEST_CASE("every space: sampled paths are architectures, one for the network or one for each cell") {
  for (const Space* space : test::every_space()) {
    CAPTURE(space->name());
    const int own_paths = space->info().every_cell_has_a_path ? space->searchable_cells({}) : 0;
    for (const Compat compat : {Compat::none, Compat::megvii}) {
      if (compat == Compat::megvii && !space->file_text().empty()) {
        CHECK(contains(test::error_of(ErrorCode::usage, [&] { space->make_sampler({.compat = compat}); }),
                       "--compat megvii: "));
        continue;
      }
      const auto sampler = space->make_sampler({.seed = 1, .compat = compat, .own_paths = own_paths});
      for (int step = 0; step < 5; ++step) {
        const std::vector<Genes> paths = sampler(step);
        CHECK(int(paths.size()) == std::max(1, own_paths));
        for (const Genes& genes : paths) {
          REQUIRE(int(genes.size()) == space->gene_count());
          REQUIRE(space->valid(genes));
        }
      }
    }
  }
}

TEST_CASE("layers: convolutions and the classifier, counted by hand") {
  const auto layers = [](const char* space, const std::string& text) {
    const auto made = make_search_space({.name = space, .image_size = search_defaults(space).image_size});
    return made->layers(made->parse(text));
  };
  // Stem, two residual blocks of three, classifier; 15 cells of six edges.
  CHECK(layers("nasbench201", "enum:0") == 8);
  CHECK(layers("nasbench201", "#1462") == 8 + 15 * 6);  // 3x3 everywhere
  CHECK(layers("nasbench201", "#1835") == 8);           // skips
  // Stem, first block of two, head, classifier; three for each of 21 blocks but one identity.
  CHECK(layers("mobilenet", "2 0 -1 2 | 2 0 2 4 | 0 4 4 2 | 4 2 4 2 | 0 0 0 2 | 2") == 5 + 3 * 20);
  // 20 cells: stem, classifier, two 1x1 in front of each, behind a reduction three. A separable convolution
  // is four, a dilated one two: in each of the 18 normal and of the two reduction cells 24.
  CHECK(layers("darts-cifar", test::kRlnasCifar) == 2 + 2 * 20 + 2 + 20 * 24);
  // 14 cells, and a stem of three, whose images also differ by two in front of the first.
  CHECK(layers("darts-imagenet", test::kRlnasCifar) == 4 + 2 * 14 + 3 + 14 * 24);
}

TEST_CASE("every space: --score layers, macs and params rank by it, in evolution and in exhaustive runs") {
  for (const Space* space : test::every_space())
    for (const std::string& score : kCountScores) {
      CAPTURE(space->name());
      CAPTURE(score);
      SearchConfig config = published_search(space->name());
      config.score = parse_score(score);
      const std::vector<AngleSums> sums = published_sums(space->name(), 1);
      const auto searched = make_search_space(config.space, sums);
      for (const SearchMethod method : {SearchMethod::evolution, SearchMethod::exhaustive}) {
        config.method = method;
        if (method == SearchMethod::exhaustive && !is_enumerable(*space)) {
          CHECK(contains(refusal(ErrorCode::usage, config, sums), "--method exhaustive: "));
          continue;
        }
        const SearchReport report = run_search(config, sums);
        for (const FoundArchitecture& found : report.evaluated) {
          REQUIRE(report.value(found, score) == count_of(*searched, score, found.genes));
          REQUIRE(found.score == report.value(found, score));
        }
        const std::vector<double> values = in_order_of_rank(report, score);
        CHECK(std::is_sorted(values.rbegin(), values.rend()));
        CHECK(values.front() > values.back());
        CHECK(report.value(report.best(), score) == values.front());
        CHECK(report.best().rank == 1);
      }
    }
}

TEST_CASE("exhaustive search by a count finds the cells that have most, of equals the one with fewest MACs") {
  const std::string name = "nasbench201";
  const std::vector<AngleSums> sums = published_sums(name, 2);
  const auto best_by = [&](const char* score) {
    SearchConfig config = published_search(name);
    config.score = parse_score(score);
    config.method = SearchMethod::exhaustive;
    return run_search(config, sums).best();
  };
  const Space& space = find_space(name);
  CHECK(best_by("macs").genes == space.parse("#1462"));    // 3x3 everywhere
  CHECK(best_by("params").genes == space.parse("#1462"));  // likewise
  CHECK(best_by("layers").text ==
        "|nor_conv_1x1~0|+|nor_conv_1x1~0|nor_conv_1x1~1|+|nor_conv_1x1~0|nor_conv_1x1~1|nor_conv_1x1~2|");
}

TEST_CASE("every space: the exact search refuses scores that do not add up, and so does a gap to it") {
  int refused = 0;
  for (const IndicatorInfo& indicator : indicator_list()) {
    if (indicator.adds_up) continue;
    ++refused;
    for (const Space* space : test::every_space()) {
      CAPTURE(space->name());
      const std::vector<AngleSums> sums = published_sums(space->name(), 3);
      const std::string message = "--score " + std::string(indicator.name) + ": ";
      SearchConfig config = published_search(space->name());
      config.score = parse_score(indicator.name);
      config.method = SearchMethod::exact;
      CHECK(contains(refusal(ErrorCode::usage, config, sums), message));
      config.method = SearchMethod::evolution;
      config.report_gap = true;
      CHECK(contains(refusal(ErrorCode::usage, config, sums), message));
    }
  }
  CHECK(refused == int(indicator_list().size()) - 1);  // all but the angle
  CHECK(indicator_info("angle").adds_up);
  CHECK(contains(test::error_of(ErrorCode::usage, [] { parse_score("angle+loss"); }),
                 "--score: 'loss' is not one of angle, op-angle-sum, macs, params, layers, "));
}

TEST_CASE("every space: reports by layers tell them, others do not") {
  for (const Space* space : test::every_space()) {
    CAPTURE(space->name());
    const std::vector<AngleSums> sums = published_sums(space->name(), 4);
    SearchConfig config = published_search(space->name());
    config.evolution.generations = 2;
    const auto searched = make_search_space(config.space, sums);
    const std::string arch = is_enumerable(*space) ? "enumeration_index,arch," : "arch,";
    for (const std::string score : {"angle", "macs", "layers"}) {
      CAPTURE(score);
      config.score = parse_score(score);
      const SearchReport report = run_search(config, sums);
      const bool told = score == "layers";
      CHECK((report.place_of("layers") >= 0) == told);

      std::istringstream lines(report_csv(report));
      std::string line;
      std::getline(lines, line);
      CHECK(line ==
            arch + "angle_rad,op_angle_sum,macs,params," + (told ? "layers," : "") + "generation,rank");
      for (const FoundArchitecture& found : report.evaluated) {
        REQUIRE(std::getline(lines, line));
        const std::vector<std::string> fields = fields_behind_arch(line);
        REQUIRE(std::stoi(fields.at(fields.size() - 1)) == found.rank);
        if (told) REQUIRE(fields.at(fields.size() - 3) == std::to_string(searched->layers(found.genes)));
      }

      const Json json = Json::parse(report_json(report));
      CHECK(json.at("score") == score);
      CHECK(json.at("best").contains("layers") == told);
      if (told) {
        CHECK(json.at("best").at("layers").is_number_integer());
        CHECK(json.at("best").at("layers") == searched->layers(report.best().genes));
      }
      std::ostringstream text;
      print_report(text, report);
      CHECK(contains(text.str(), "   params  layers  ") == told);
    }
  }
}
