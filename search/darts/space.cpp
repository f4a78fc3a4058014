#include "search/darts/space.h"

#include <string_view>

#include "kernels/check.h"
#include "search/darts/genotype.h"
#include "search/darts/mixed_cell.h"
#include "search/darts/mixed_network.h"
#include "search/darts/published_paths.h"
#include "search/recipes.h"
#include "search/space_file/published.h"
#include "search/space_file/space.h"

namespace rlnas::darts {
namespace {

enum class Preset { cifar, imagenet };

class Darts final : public space_file::FileSpace {
 public:
  explicit Darts(Preset preset)
      : FileSpace(preset == Preset::cifar ? space_file::kDartsCifarFile : space_file::kDartsImagenetFile,
                  preset == Preset::cifar ? "darts-cifar.json" : "darts-imagenet.json", Origin::built_in),
        preset_(preset) {
    info_.signature_tensor = preset == Preset::cifar ? "cells.0.preprocess0.op.1.weight" : "stem0.0.weight";
    info_.cost_name = "FLOPs";
  }

  // The genotype; parse() takes codes too.
  std::string text(const Genes& genes) const override { return genotype(architecture_of_genes(genes)); }
  Genes parse(const std::string& text) const override {
    return genes_of_architecture(parse_architecture(text));
  }
  const char* rule() const override { return "every node of a DARTS cell takes exactly two inputs"; }

  Graph network(const NetworkOptions& options, std::span<const Genes> paths) const override {
    if (options.kind == NetworkKind::mixed) return mixed_network(options);
    return FileSpace::network(options, paths);
  }
  MixtureSpec mixture(const NetworkOptions& options) const override {
    if (preset_ != Preset::cifar) return Space::mixture(options);
    return mixture_spec(options.channel_share);
  }
  Genes favoured(const NetworkOptions& options, std::span<const float> weights) const override {
    return genes_of_architecture(largest_weights(options.channel_share, weights));
  }

  StepPaths make_sampler(const SamplerOptions& options) const override {
    return options.compat == Compat::megvii ? published_paths(*this, options.seed)
                                            : FileSpace::make_sampler(options);
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
    const bool dilated = segment.op == int(Op::dil_conv_3x3) || segment.op == int(Op::dil_conv_5x5);
    if (segment.edge >= 0 && dilated && compat == Compat::megvii) {
      // The published slip: gamma again where beta belongs.
      if (name.ends_with(".op.3.weight")) return 2;
      if (name.ends_with(".op.3.bias")) return 0;
    }
    return FileSpace::occurrences(segment, compat);
  }

 private:
  Preset preset_;
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
