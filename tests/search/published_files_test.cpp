// spaces/nasbench201.json, mobilenet.json, darts-cifar.json and darts-imagenet.json against the built-in
// spaces: the same graphs node by node, paths, repairs, costs, angles and recipes.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "engine/philox.h"
#include "ops/network_layout.h"
#include "search/search_space.h"
#include "search/spaces.h"
#include "search/train_config_text.h"
#include "tests/search/fake_run.h"
#include "tests/support/golden_dir.h"

using namespace rlnas;

namespace {

constexpr const char* kPublished[] = {"nasbench201", "mobilenet", "darts-cifar", "darts-imagenet"};

struct Pair {
  explicit Pair(const std::string& name)
      : built_in(find_space(name)), file(find_space(test::shipped_space(name))) {}
  const Space &built_in, &file;
};

void check_same(const Graph& a, const Graph& b) {
  REQUIRE(a.size() == b.size());
  for (int n = 0; n < a.size(); ++n) {
    const Node &x = a[n], &y = b[n];
    CAPTURE(n);
    CAPTURE(x.name);
    CAPTURE(y.name);
    REQUIRE(x.kind == y.kind);
    REQUIRE(x.shape == y.shape);
    REQUIRE(x.inputs == y.inputs);
    REQUIRE(x.name == y.name);
    const auto geometry = [](const Node& one) {
      return std::vector<int>{one.conv.in_channels,
                              one.conv.out_channels,
                              one.conv.kernel,
                              one.conv.stride,
                              one.conv.padding,
                              one.conv.dilation,
                              one.conv.groups,
                              one.pool.kernel,
                              one.pool.stride,
                              one.pool.padding,
                              int(one.activation),
                              int(one.affine),
                              one.offset,
                              one.owner.cell,
                              one.owner.edge,
                              one.owner.op,
                              one.unit,
                              one.stage};
    };
    REQUIRE(geometry(x) == geometry(y));
    if (x.stage >= 0) REQUIRE(std::string(a.stage_name(x.stage)) == b.stage_name(y.stage));
  }
  REQUIRE(a.outputs().size() == b.outputs().size());
  for (std::size_t o = 0; o < a.outputs().size(); ++o) {
    REQUIRE(a.outputs()[o].node == b.outputs()[o].node);
    REQUIRE(a.outputs()[o].weight == b.outputs()[o].weight);
  }
  REQUIRE(a.features().size() == b.features().size());
  for (std::size_t f = 0; f < a.features().size(); ++f) {
    REQUIRE(a.features()[f].name == b.features()[f].name);
    REQUIRE(a.features()[f].node == b.features()[f].node);
  }
}

// Lines of a drawing without headings and what is said of outputs, which differ in words.
std::string nodes_of(const std::string& drawing) {
  std::istringstream lines(drawing);
  std::string nodes;
  for (std::string line; std::getline(lines, line);)
    if (line.find(" = ") != std::string::npos && line.find("side by side") == std::string::npos)
      nodes += line + '\n';
  return nodes;
}

std::vector<NetworkOptions> sizes_of(const Space& space) {
  const SearchDefaults& search = space.info().search;
  std::vector<NetworkOptions> all;
  for (const NetworkKind kind : {NetworkKind::supernet, NetworkKind::stand_alone})
    for (const int divisor : {1, 2})
      all.push_back({.kind = kind,
                     .classes = search.classes,
                     .image_size = search.image_size,
                     .width_divisor = divisor});
  if (std::string(space.info().name).starts_with("darts"))
    for (const int cells : {3, 7, 8})
      for (const double weight : {0.0, 0.4})
        all.push_back({.kind = NetworkKind::stand_alone,
                       .classes = 100,
                       .image_size = search.image_size,
                       .channels = 10,
                       .cells = cells,
                       .auxiliary_weight = weight});
  return all;
}

}  // namespace

TEST_CASE("a published space's file has the graphs of the built-in one, node by node") {
  for (const char* name : kPublished) {
    CAPTURE(name);
    const Pair pair(name);
    for (const NetworkOptions& options : sizes_of(pair.built_in)) {
      check_same(pair.built_in.network(options, {}), pair.file.network(options, {}));
      for (const Genes& genes : pair.built_in.angle_sample(20))
        check_same(pair.built_in.network(options, {&genes, 1}), pair.file.network(options, {&genes, 1}));
    }
  }
  // A path for each cell, and fewer and narrower cells.
  const Pair cells("nasbench201");
  for (const NetworkOptions& options : {NetworkOptions{}, NetworkOptions{.channels = 8, .cells = 2}}) {
    const std::vector<Genes> paths = cells.built_in.angle_sample(cells.built_in.searchable_cells(options));
    REQUIRE(cells.file.searchable_cells(options) == int(paths.size()));
    check_same(cells.built_in.network(options, paths), cells.file.network(options, paths));
  }
}

TEST_CASE("a published space's file has the built-in one's genes, sites, paths and facts") {
  for (const char* name : kPublished) {
    CAPTURE(name);
    const Pair pair(name);
    const SpaceInfo &a = pair.built_in.info(), &b = pair.file.info();
    CHECK(a.image_halvings == b.image_halvings);
    CHECK(a.every_cell_has_a_path == b.every_cell_has_a_path);
    CHECK(a.search.max_mflops == b.search.max_mflops);
    CHECK(a.search.classes == b.search.classes);
    CHECK(a.search.image_size == b.search.image_size);
    CHECK(a.cifar_constants == b.cifar_constants);
    REQUIRE(pair.built_in.gene_count() == pair.file.gene_count());
    for (int gene = 0; gene < pair.built_in.gene_count(); ++gene)
      CHECK(pair.built_in.choices(gene) == pair.file.choices(gene));
    CHECK(pair.built_in.largest() == pair.file.largest());
    CHECK(pair.built_in.angle_sample(100) == pair.file.angle_sample(100));
    const auto sites_a = pair.built_in.choice_sites({}), sites_b = pair.file.choice_sites({});
    REQUIRE(sites_a.size() == sites_b.size());
    for (std::size_t i = 0; i < sites_a.size(); ++i) {
      CHECK(sites_a[i].gene == sites_b[i].gene);
      CHECK(sites_a[i].cell == sites_b[i].cell);
      CHECK(sites_a[i].edge == sites_b[i].edge);
      CHECK(sites_a[i].channels == sites_b[i].channels);
      CHECK(sites_a[i].changes_shape == sites_b[i].changes_shape);
    }
    // Evolution's proposals are repaired alike.
    RandomStream random(3, "raw genes");
    for (int trial = 0; trial < 200; ++trial) {
      Genes raw;
      for (int gene = 0; gene < pair.built_in.gene_count(); ++gene)
        raw.push_back(std::int8_t(random.below(std::uint32_t(pair.built_in.choices(gene)))));
      CHECK(pair.built_in.valid(raw) == pair.file.valid(raw));
      Genes of_a = raw, of_b = raw;
      RandomStream for_a(1, "repair", std::uint64_t(trial)), for_b(1, "repair", std::uint64_t(trial));
      pair.built_in.repair(of_a, [&](std::uint32_t n) { return for_a.below(n); });
      pair.file.repair(of_b, [&](std::uint32_t n) { return for_b.below(n); });
      REQUIRE(of_a == of_b);
    }
    const int own = a.every_cell_has_a_path ? pair.built_in.searchable_cells({}) : 0;
    for (const int own_paths : {0, own}) {
      const StepPaths of_a = pair.built_in.make_sampler({.seed = 7, .own_paths = own_paths});
      const StepPaths of_b = pair.file.make_sampler({.seed = 7, .own_paths = own_paths});
      for (int step = 0; step < 200; ++step) REQUIRE(of_a(step) == of_b(step));
    }
  }
}

TEST_CASE("a published space's file: costs and angles of many architectures are the built-in one's") {
  for (const char* name : kPublished) {
    CAPTURE(name);
    const Pair pair(name);
    SpaceSpec spec{.name = pair.built_in.name(),
                   .classes = pair.built_in.info().search.classes,
                   .image_size = pair.built_in.info().search.image_size};
    const std::vector<AngleSums> sums = test::random_sums(supernet_segments(spec.name, spec.classes), 3);
    const auto a = make_search_space(spec, sums);
    spec.name = pair.file.name();
    const auto b = make_search_space(spec, sums);
    for (const Genes& genes : pair.built_in.angle_sample(500)) {
      REQUIRE(a->macs(genes) == b->macs(genes));
      REQUIRE(a->params(genes) == b->params(genes));
      REQUIRE(a->layers(genes) == b->layers(genes));
      REQUIRE(a->angle_rad(genes) == b->angle_rad(genes));
      REQUIRE(a->op_angle_sum(genes) == b->op_angle_sum(genes));
      REQUIRE(a->angle_vector_length(genes) == b->angle_vector_length(genes));
      if (!pair.file.cells().empty()) REQUIRE(nodes_of(a->drawing(genes)) == nodes_of(b->drawing(genes)));
    }
    CHECK(a->exact().genes == b->exact().genes);
  }
}

TEST_CASE("a published space's file has the built-in one's recipes") {
  for (const char* name : kPublished) {
    const Pair pair(name);
    CHECK(to_json(pair.built_in.supernet_recipe()).dump(1) == to_json(pair.file.supernet_recipe()).dump(1));
    CHECK(to_json(pair.built_in.retrain_recipe()).dump(1) == to_json(pair.file.retrain_recipe()).dump(1));
  }
}
