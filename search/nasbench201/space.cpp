#include "search/nasbench201/space.h"

#include <algorithm>

#include "engine/philox.h"
#include "kernels/check.h"
#include "search/nasbench201/network.h"
#include "search/nasbench201/path_sampler.h"
#include "search/nasbench201/truth.h"
#include "search/recipes.h"
#include "search/search_space.h"

namespace rlnas::nasbench201 {
namespace {

constexpr int kCifarImages = 50000, kImagenet16Images = 151700, kImagenet16Classes = 120;

class Nasbench201 final : public Space {
 public:
  const SpaceInfo& info() const override {
    static const SpaceInfo info = [] {
      SpaceInfo i{.name = "nasbench201",
                  .title = "NAS-Bench-201",
                  .signature_tensor = "cells.0.edges.1<-0.2.op.1.weight",
                  .image_halvings = 2,
                  .search = {},
                  .cost_name = "MACs",
                  .benchmark_classes = {10, 100, kImagenet16Classes},
                  .every_cell_has_a_path = true,
                  // xautodl's counter: the matrix and the bias (method.md 16.4).
                  .classifier_flops = [](std::int64_t in, std::int64_t out) { return in * out + out; }};
      i.search.evolution.label_draws = kCifarImages;
      return i;
    }();
    return info;
  }

  const std::vector<CellSpec>& cells() const override {
    static const std::vector<CellSpec> cells{cell_spec()};
    return cells;
  }
  std::string text(const Genes& genes) const override { return to_string(cell_of_genes(genes)); }
  // Also takes N or #N (benchmark index) and enum:N (enumeration index).
  Genes parse(const std::string& text) const override { return genes_of_cell(parse_cell(text)); }
  Genes largest() const override { return Genes(kEdgeCount, std::int8_t(Op::nor_conv_3x3)); }
  std::vector<Genes> angle_sample(int count) const override {
    const CellPathTable paths(cells().front());
    std::vector<Genes> sample;
    RandomStream random(0, "angle-sample");
    while (int(sample.size()) < count) {
      Genes genes = genes_of_cell(cell_at(int(random.below(kSpaceSize))));
      if (paths.live_paths(genes) > 0) sample.push_back(std::move(genes));
    }
    return sample;
  }
  int benchmark_size() const override { return kSpaceSize; }
  Genes benchmark_genes(int index) const override { return genes_of_cell(cell_of_benchmark(index)); }
  std::span<const unsigned char> benchmark_table() const override { return truth_table(); }
  int benchmark_index(const Genes& genes) const override {
    return nasbench201::benchmark_index(cell_of_genes(genes));
  }

  Graph network(const NetworkOptions& options, std::span<const Genes> paths) const override {
    return nasbench201::network(options, paths);
  }
  int searchable_cells(const NetworkOptions& options) const override {
    return kStages * cells_per_stage(options);
  }
  std::vector<ChoiceSite> choice_sites(const NetworkOptions& options) const override {
    return nasbench201::choice_sites(options);
  }

  StepPaths make_sampler(const SamplerOptions& options) const override {
    const PathSampling sampling = options.own_paths > 0 ? PathSampling::per_cell : PathSampling::per_net;
    const PathSource source = options.compat == Compat::megvii ? PathSource::python : PathSource::philox;
    return [sampler = PathSampler(options.seed, std::max(1, options.own_paths), sampling, source)](
               std::int64_t step) mutable {
      std::vector<Genes> paths;
      for (const Cell& cell : sampler.paths(step)) paths.push_back(genes_of_cell(cell));
      return paths;
    };
  }
  TrainConfig supernet_recipe() const override { return {}; }
  // The benchmark's own.
  TrainConfig retrain_recipe() const override {
    TrainConfig config = with_true_labels({});
    config.recipe.seed = 777;
    config.recipe.epochs = 200;
    config.recipe.batch_size = 256;
    config.recipe.learning_rate = 0.1;
    return config;
  }
  GeneRange published_mutation_range(int) const override { return {1, kOpCount}; }  // never none
  int label_draws(int classes) const override {
    return classes == kImagenet16Classes ? kImagenet16Images : kCifarImages;
  }
  AngleConstant constant_of(int op, const ChoiceSite&) const override {
    return Op(op) == Op::avg_pool_3x3 ? AngleConstant::pool_kernel : AngleConstant::none;
  }
  Optimum exact(const SearchSpace& space) const override { return exact_by_enumeration(space); }
};

}  // namespace

const Space& space() {
  static const Nasbench201 space;
  return space;
}

Cell cell_of_genes(const Genes& genes) {
  RLNAS_CHECK(genes.size() == kEdgeCount, run_failed, "a cell has ", kEdgeCount, " genes, not ",
              genes.size());
  Cell cell;
  for (std::size_t edge = 0; edge < kEdgeCount; ++edge) {
    RLNAS_CHECK(genes[edge] >= 0 && genes[edge] < kOpCount, run_failed, "gene ", edge, " is out of range");
    cell.ops[edge] = Op(genes[edge]);
  }
  return cell;
}

Genes genes_of_cell(const Cell& cell) {
  Genes genes;
  for (const Op op : cell.ops) genes.push_back(std::int8_t(op));
  return genes;
}

}  // namespace rlnas::nasbench201
