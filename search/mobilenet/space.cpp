#include "search/mobilenet/space.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "engine/philox.h"
#include "kernels/check.h"
#include "search/mobilenet/network.h"
#include "search/mobilenet/path_sampler.h"
#include "search/recipes.h"
#include "search/search_space.h"

namespace rlnas::mobilenet {
namespace {

// The fixed part's tensors in the vector of the angle; its batch norms and the classifier's bias are left
// out.
constexpr std::array<std::string_view, 5> kFixedInVector{"conv_bn.0.weight", "MBConv_ratio_1.conv.0.weight",
                                                         "MBConv_ratio_1.conv.3.weight",
                                                         "conv_1x1_bn.0.weight", "classifier.0.weight"};

class Mobilenet final : public Space {
 public:
  const SpaceInfo& info() const override {
    static const SpaceInfo info = [] {
      SpaceInfo i{.name = "mobilenet",
                  .title = "MobileNet",
                  .signature_tensor = "MBConv_ratio_1.conv.0.weight",
                  .image_halvings = 5,
                  .search = imagenet_search_defaults(),
                  // The published counter (method.md 9.1).
                  .classifier_flops = [](std::int64_t in, std::int64_t out) { return (2 * in - 1) * out; }};
      i.search.max_mflops = double(kPublishedMaxFlops) / 1e6;
      return i;
    }();
    return info;
  }

  int gene_count() const override { return kBlockCount; }
  int choices(int gene) const override { return kBlocks[std::size_t(gene)].options(); }
  std::string text(const Genes& genes) const override { return to_string(architecture_of_genes(genes)); }
  Genes parse(const std::string& text) const override {
    return genes_of_architecture(parse_architecture(text));
  }
  std::string drawing(const Genes& genes) const override {
    return mobilenet::drawing(architecture_of_genes(genes));
  }
  std::string choice_name(int, int choice) const override { return std::string(op_name(Op(choice))); }
  Genes largest() const override { return Genes(kBlockCount, std::int8_t(Op::k7e6)); }
  std::vector<Genes> angle_sample(int count) const override {
    RandomStream random(0, "angle-sample");
    std::vector<Genes> sample(static_cast<std::size_t>(count), Genes(kBlockCount));
    for (Genes& genes : sample)
      for (int b = 0; b < kBlockCount; ++b)
        genes[std::size_t(b)] = std::int8_t(random.below(std::uint32_t(choices(b))));
    return sample;
  }

  Graph network(const NetworkOptions& options, std::span<const Genes> paths) const override {
    return mobilenet::network(options, paths);
  }
  std::vector<ChoiceSite> choice_sites(const NetworkOptions& options) const override {
    return mobilenet::choice_sites(options);
  }

  StepPaths make_sampler(const SamplerOptions& options) const override {
    return [sampler = PathSampler(options.seed, options.compat)](std::int64_t step) mutable {
      return std::vector<Genes>{genes_of_architecture(sampler.path(step))};
    };
  }
  TrainConfig supernet_recipe() const override {
    TrainConfig config = imagenet_recipe();
    config.recipe.initializer = Initializer::normal_fan_out;
    config.recipe.epochs = 120;
    config.recipe.schedule = Schedule::linear_ahead;
    config.recipe.learning_rate = 0.25;
    config.recipe.decay = Decay::convolutions_and_classifier;
    return config;
  }
  TrainConfig retrain_recipe() const override {
    TrainConfig config = imagenet_retrain_recipe();
    config.recipe.initializer = Initializer::normal_fan_out;
    config.recipe.epochs = 240;
    config.data.crop = TrainingCrop::resized;
    config.recipe.schedule = Schedule::linear;
    config.recipe.decay = Decay::convolutions_and_classifier;
    config.network.dropout = 0.2;
    return config;
  }
  PublishedSearch published_search() const override { return PublishedSearch::count_attempts; }
  // Left out: the batch norms of the fixed part, the last one of every operation, the classifier's bias.
  int occurrences(const Segment& segment, Compat) const override {
    const std::string_view name = segment.name;
    const bool in = segment.edge < 0 ? std::find(kFixedInVector.begin(), kFixedInVector.end(), name) !=
                                           kFixedInVector.end()
                                     : !name.ends_with(".conv.7.weight") && !name.ends_with(".conv.7.bias");
    return in ? 1 : 0;
  }
  AngleConstant constant_of(int op, const ChoiceSite& site) const override {
    return Op(op) == Op::identity && !site.changes_shape ? AngleConstant::identity : AngleConstant::none;
  }
  Optimum exact(const SearchSpace& space) const override { return exact_of_chain(space); }
};

}  // namespace

const Space& space() {
  static const Mobilenet space;
  return space;
}

Architecture architecture_of_genes(const Genes& genes) {
  RLNAS_CHECK(genes.size() == kBlockCount, run_failed, "an architecture has ", kBlockCount, " genes, not ",
              genes.size());
  Architecture architecture;
  for (std::size_t b = 0; b < kBlockCount; ++b) {
    RLNAS_CHECK(genes[b] >= 0 && genes[b] < kBlocks[b].options(), run_failed, "gene ", b, " is out of range");
    architecture.ops[b] = Op(genes[b]);
  }
  return architecture;
}

Genes genes_of_architecture(const Architecture& architecture) {
  Genes genes;
  genes.reserve(kBlockCount);
  for (const Op op : architecture.ops) genes.push_back(std::int8_t(op));
  return genes;
}

}  // namespace rlnas::mobilenet
