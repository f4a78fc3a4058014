// The four published spaces, which are spaces/*.json and a few hooks: their graphs node by node, genes,
// paths, texts and recipes have the checksums that they had when each was C++ by itself. What they are is
// told by the tests against PyTorch and the published counts; this one tells that nothing of it moved.
#include <doctest/doctest.h>

#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

#include "engine/crc32.h"
#include "engine/philox.h"
#include "search/export/export_network.h"
#include "search/spaces.h"
#include "search/train_config_text.h"

using namespace rlnas;

namespace {

std::string text_of(const Graph& graph) {
  std::ostringstream out;
  for (const Node& node : graph.nodes()) {
    out << kind_word(node.kind) << ' ' << node.shape.channels << 'x' << node.shape.height << 'x'
        << node.shape.width;
    for (const int input : node.inputs) out << " <" << input;
    const Conv2d& conv = node.conv;
    out << ' ' << node.name << ' ' << conv.in_channels << ',' << conv.out_channels << ',' << conv.kernel
        << ',' << conv.stride << ',' << conv.padding << ',' << conv.dilation << ',' << conv.groups << ' '
        << node.pool.kernel << ',' << node.pool.stride << ',' << node.pool.padding << ' '
        << int(node.activation) << int(node.affine) << node.offset << ' ' << node.owner.cell << ','
        << node.owner.edge << ',' << node.owner.op << ' ' << node.unit << ' '
        << (node.stage < 0 ? "" : graph.stage_name(node.stage)) << '\n';
  }
  for (const Graph::Output& output : graph.outputs()) out << output.node << '*' << output.weight << '\n';
  for (const Graph::Feature& feature : graph.features()) out << feature.name << '=' << feature.node << '\n';
  return out.str();
}

std::uint32_t checksum(const std::string& text) {
  return crc32_of(text);
}

std::uint32_t of_graphs(const Space& space, const std::vector<NetworkOptions>& sizes) {
  std::string text;
  for (const NetworkOptions& options : sizes) {
    text += text_of(space.network(options, {}));
    for (const Genes& genes : space.angle_sample(20)) text += text_of(space.network(options, {&genes, 1}));
    for (const ChoiceSite& site : space.choice_sites(options)) {
      std::ostringstream out;
      out << site.gene << ' ' << site.cell << ' ' << site.edge << ' ' << site.channels << ' '
          << site.changes_shape << '\n';
      text += out.str();
    }
    text += std::to_string(space.searchable_cells(options));
  }
  return checksum(text);
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
  if (space.name().starts_with("darts"))
    for (const int cells : {3, 7, 8})
      for (const double weight : {0.0, 0.4})
        all.push_back({.kind = NetworkKind::stand_alone,
                       .classes = 100,
                       .image_size = search.image_size,
                       .channels = 10,
                       .cells = cells,
                       .auxiliary_weight = weight});
  if (space.name() == "nasbench201") all.push_back({.channels = 8, .cells = 2});
  return all;
}

std::uint32_t of_architectures(const Space& space) {
  std::string text;
  RandomStream random(3, "raw genes");
  for (Genes genes : space.angle_sample(200)) {
    text += space.text(genes) + '\n' + space.drawing(genes);
    for (std::int8_t& gene : genes)
      gene = std::int8_t(random.below(std::uint32_t(space.choices(int(&gene - genes.data())))));
    const bool valid = space.valid(genes);
    space.repair(genes, [&](std::uint32_t n) { return random.below(n); });
    text += std::to_string(valid) + space.text(genes) + '\n';
  }
  for (int gene = 0; gene < space.gene_count(); ++gene) {
    const GeneRange range = space.published_mutation_range(gene);
    text += space.place_name(gene) + std::to_string(range.low) + std::to_string(range.high);
    for (int op = 0; op < space.choices(gene); ++op) text += space.choice_name(gene, op) + ' ';
  }
  return checksum(text + space.text(space.largest()));
}

std::uint32_t of_paths(const Space& space) {
  std::string text;
  const int own = space.info().every_cell_has_a_path ? space.searchable_cells({}) : 0;
  for (const Compat compat : {Compat::none, Compat::megvii})
    for (const int own_paths : {0, own}) {
      const StepPaths paths = space.make_sampler({.seed = 7, .compat = compat, .own_paths = own_paths});
      for (int step = 0; step < 50; ++step)
        for (const Genes& genes : paths(step)) text += space.text(genes) + '\n';
    }
  return checksum(text);
}

std::uint32_t of_facts(const Space& space) {
  const SpaceInfo& info = space.info();
  const SearchDefaults& search = info.search;
  const EvolutionOptions& evolution = search.evolution;
  std::ostringstream out;
  out << info.name << info.title << info.signature_tensor << info.image_halvings << info.cost_name
      << int(info.cifar_constants) << info.every_cell_has_a_path << info.classifier_flops(64, 10) << ' '
      << evolution.population << ' ' << evolution.top << ' ' << evolution.mutants << ' '
      << evolution.crossovers << ' ' << evolution.generations << ' ' << evolution.seed << ' '
      << evolution.label_draws << ' ' << evolution.label_classes << ' ' << search.max_mflops << ' '
      << search.max_params << ' ' << search.classes << ' ' << search.image_size << ' '
      << int(space.published_search()) << ' ' << space.label_draws(10) << ' ' << space.label_draws(120)
      << '\n';
  for (const int classes : info.benchmark_classes) out << classes << ' ';
  const SegmentTable tensors = supernet_segments(space.name(), search.classes);
  for (const Segment& tensor : tensors)
    out << tensor.name << space.occurrences(tensor, Compat::none)
        << space.occurrences(tensor, Compat::megvii);
  for (const ChoiceSite& site : space.choice_sites({}))
    for (int op = 0; op < space.choices(site.gene); ++op) out << int(space.constant_of(op, site));
  for (auto recipe : {to_json(space.supernet_recipe()), to_json(space.retrain_recipe())}) {
    // What there was not then: differentiable searches, whose kernels compute 1x1 convolutions.
    for (const char* field :
         {"method", "begin", "mixture-learning-rate", "mixture-weight-decay", "pointwise"})
      recipe.erase(field);
    out << recipe.dump();
  }
  return checksum(out.str());
}

struct Published {
  const char* name;
  std::uint32_t graphs, architectures, paths, facts;
};

}  // namespace

TEST_CASE("the published spaces are what they were, hooks and all") {
  const Published all[] = {
      {"nasbench201", 0xb798e927, 0x9b480bc6, 0xed18dbb3, 0x4ff38751},
      {"mobilenet", 0x0cbc9eb5, 0x4eb69ce8, 0x7a28be50, 0xfd39e4e9},
      {"darts-cifar", 0xc1c8cdbf, 0x38daaa8b, 0xe0a9039a, 0x4476f9a1},
      {"darts-imagenet", 0xc0c23827, 0x4d08cfd7, 0xe0a9039a, 0xe41d649a},
  };
  for (const Published& published : all) {
    CAPTURE(published.name);
    const Space& space = find_space(published.name);
    CHECK(of_graphs(space, sizes_of(space)) == published.graphs);
    CHECK(of_architectures(space) == published.architectures);
    CHECK(of_paths(space) == published.paths);
    CHECK(of_facts(space) == published.facts);
  }
}
