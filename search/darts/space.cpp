#include "search/darts/space.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "kernels/check.h"
#include "search/darts/exact.h"
#include "search/darts/genotype.h"
#include "search/darts/mixed_cell.h"
#include "search/darts/mixed_network.h"
#include "search/darts/network.h"
#include "search/darts/path_sampler.h"
#include "search/darts/repair.h"
#include "search/recipes.h"
#include "search/search_space.h"

namespace rlnas::darts {
namespace {

// The published counter (method.md 9.1).
std::int64_t classifier_flops(std::int64_t in, std::int64_t out) {
  return (2 * in - 1) * out;
}

SpaceInfo info_of(Preset preset) {
  SpaceInfo info = preset == Preset::cifar ? SpaceInfo{.name = "darts-cifar",
                                                       .title = "DARTS CIFAR",
                                                       .signature_tensor = "cells.0.preprocess0.op.1.weight",
                                                       .image_halvings = 2,
                                                       .search = {},
                                                       .cifar_constants = CifarConstants::darts,
                                                       .classifier_flops = classifier_flops}
                                           : SpaceInfo{.name = "darts-imagenet",
                                                       .title = "DARTS ImageNet",
                                                       .signature_tensor = "stem0.0.weight",
                                                       .image_halvings = 5,
                                                       .search = imagenet_search_defaults(),
                                                       .classifier_flops = classifier_flops};
  if (preset == Preset::cifar) info.search = later_search_defaults();
  constexpr double kPublishedMaxMflops = 600.0;
  if (preset == Preset::imagenet) info.search.max_mflops = kPublishedMaxMflops;
  return info;
}

class Darts final : public Space {
 public:
  explicit Darts(Preset preset) : preset_(preset), info_(info_of(preset)) {}

  const SpaceInfo& info() const override { return info_; }
  const std::vector<CellSpec>& cells() const override { return cell_specs(); }
  // The genotype; parse() takes codes too.
  std::string text(const Genes& genes) const override { return genotype(architecture_of_genes(genes)); }
  Genes parse(const std::string& text) const override {
    return genes_of_architecture(parse_architecture(text));
  }
  bool valid(const Genes& genes) const override { return is_legal(architecture_of_genes(genes)); }
  const char* rule() const override { return "every node of a DARTS cell takes exactly two inputs"; }
  void repair(Genes& genes, const std::function<std::uint32_t(std::uint32_t)>& below) const override {
    Architecture architecture = architecture_of_genes(genes);
    darts::repair(architecture.normal, below);
    darts::repair(architecture.reduce, below);
    genes = genes_of_architecture(architecture);
  }
  // Separable 5x5 convolutions everywhere keep the most activations; with both inputs of every node from
  // outside the cell, gradients of the full image's size come up in a reduction cell.
  Genes largest() const override {
    Cell cell;
    for (int node = kInputCount; node < kAllNodes; ++node)
      for (int input = 0; input < kInputCount; ++input)
        cell.ops[std::size_t(first_edge(node) + input)] = Op::sep_conv_5x5;
    return genes_of_architecture({cell, cell});
  }
  std::vector<Genes> angle_sample(int count) const override {
    const PathSampler sampler(0, PathSource::philox);
    std::vector<Genes> sample;
    for (int i = 0; i < count; ++i) sample.push_back(genes_of_architecture(sampler.path(i)));
    return sample;
  }

  Graph network(const NetworkOptions& options, std::span<const Genes> paths) const override {
    if (options.kind == NetworkKind::mixed) return mixed_network(options);
    return darts::network(preset_, options, paths);
  }
  MixtureSpec mixture(const NetworkOptions& options) const override {
    if (preset_ != Preset::cifar) return Space::mixture(options);
    return mixture_spec(options.channel_share);
  }
  Genes favoured(const NetworkOptions& options, std::span<const float> weights) const override {
    return genes_of_architecture(largest_weights(options.channel_share, weights));
  }
  std::vector<ChoiceSite> choice_sites(const NetworkOptions& options) const override {
    return darts::choice_sites(preset_, options);
  }

  StepPaths make_sampler(const SamplerOptions& options) const override {
    const PathSource source = options.compat == Compat::megvii ? PathSource::numpy : PathSource::philox;
    return [sampler = PathSampler(options.seed, source)](std::int64_t step) {
      return std::vector<Genes>{genes_of_architecture(sampler.path(step))};
    };
  }
  TrainConfig supernet_recipe() const override {
    TrainConfig config = preset_ == Preset::cifar ? one_path_a_step() : imagenet_recipe();
    if (preset_ == Preset::cifar) {
      config.recipe.seed = 1;
      config.recipe.schedule = Schedule::cosine_ahead;
      config.recipe.weight_decay = 3e-4;
      config.recipe.clip_norm = 5.0;
    } else {
      config.recipe.initializer = Initializer::kaiming_fan_in;
      config.recipe.epochs = 50;
      config.recipe.schedule = Schedule::linear;
      config.recipe.learning_rate = 0.1;
      config.recipe.decay = Decay::convolutions;
    }
    return config;
  }
  TrainConfig retrain_recipe() const override {
    TrainConfig config =
        preset_ == Preset::cifar ? with_true_labels(supernet_recipe()) : imagenet_retrain_recipe();
    if (preset_ == Preset::cifar) {
      config.recipe.seed = 0;
      config.recipe.epochs = 600;
      config.recipe.batch_size = 96;
      config.recipe.schedule = Schedule::cosine;
      config.data.cutout = 16;
      config.network.drop_path = 0.3;
    } else {
      config.recipe.epochs = 250;
      config.recipe.schedule = Schedule::darts_retrain;
      config.recipe.weight_decay = 3e-5;
    }
    config.network.auxiliary = 0.4;
    return config;
  }
  // Source: method.md 12.3 (PC-DARTS); Liu et al. 2019, appendix A.1.1 (DARTS, first order).
  TrainConfig mixture_recipe(TrainMethod method) const override {
    if (preset_ != Preset::cifar) return Space::mixture_recipe(method);
    TrainConfig config = with_true_labels(supernet_recipe());
    config.recipe.seed = 2;
    config.recipe.epochs = 50;
    if (method == TrainMethod::pc_darts) {
      config.recipe.batch_size = 256;
      config.recipe.learning_rate = 0.1;
    } else {
      config.recipe.min_learning_rate = 0.001;
      config.mixture.begin = 0;
      config.mixture.learning_rate = 3e-4;
    }
    return config;
  }
  // The published search mutates the normal cell alone, and on ImageNet never to none.
  GeneRange published_mutation_range(int gene) const override {
    if (gene >= kEdgeCount) return {};
    return {preset_ == Preset::cifar ? 0 : 1, kOpCount};
  }
  int occurrences(const Segment& segment, Compat compat) const override {
    const std::string_view name = segment.name;
    if (segment.edge < 0) return preset_ == Preset::cifar && name == "classifier.bias" ? 0 : 1;
    const bool dilated = segment.op == int(Op::dil_conv_3x3) || segment.op == int(Op::dil_conv_5x5);
    if (dilated && compat == Compat::megvii) {  // the published slip: gamma again where beta belongs
      if (name.ends_with(".op.3.weight")) return 2;
      if (name.ends_with(".op.3.bias")) return 0;
    }
    return 1;
  }
  AngleConstant constant_of(int op, const ChoiceSite& site) const override {
    if (Op(op) == Op::max_pool_3x3 || Op(op) == Op::avg_pool_3x3) return AngleConstant::pool_kernel;
    return Op(op) == Op::skip_connect && !site.changes_shape ? AngleConstant::identity : AngleConstant::none;
  }
  // See darts/exact.h.
  Optimum exact(const SearchSpace& space) const override {
    const LargestAngle found = largest_angle(space);
    Optimum optimum;
    if (found.status == ExactStatus::infeasible) return optimum;
    optimum.genes = genes_of_architecture(found.architecture);
    optimum.proven = found.status == ExactStatus::optimal;
    optimum.bound_rad = std::acos(std::clamp(found.bound_cos, -1.0, 1.0));
    optimum.nodes = found.nodes;
    optimum.seconds = found.seconds;
    return optimum;
  }

 private:
  Preset preset_;
  SpaceInfo info_;
};

}  // namespace

const Space& cifar_space() {
  static const Darts space(Preset::cifar);
  return space;
}

const Space& imagenet_space() {
  static const Darts space(Preset::imagenet);
  return space;
}

Architecture architecture_of_genes(const Genes& genes) {
  RLNAS_CHECK(genes.size() == kGeneCount, run_failed, "a DARTS architecture has ", kGeneCount, " genes, not ",
              genes.size());
  Architecture architecture;
  for (std::size_t gene = 0; gene < genes.size(); ++gene) {
    RLNAS_CHECK(genes[gene] >= 0 && genes[gene] < kOpCount, run_failed, "gene ", gene, " is out of range");
    Cell& cell = gene < kEdgeCount ? architecture.normal : architecture.reduce;
    cell.ops[gene % kEdgeCount] = Op(genes[gene]);
  }
  return architecture;
}

Genes genes_of_architecture(const Architecture& architecture) {
  Genes genes(kGeneCount);
  for (std::size_t edge = 0; edge < kEdgeCount; ++edge) {
    genes[edge] = std::int8_t(architecture.normal.ops[edge]);
    genes[kEdgeCount + edge] = std::int8_t(architecture.reduce.ops[edge]);
  }
  return genes;
}

}  // namespace rlnas::darts
