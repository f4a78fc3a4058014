#include "search/mobilenet/network.h"

#include <algorithm>
#include <array>
#include <string>

#include "kernels/check.h"
#include "search/blocks.h"
#include "search/mobilenet/architecture.h"

namespace rlnas::mobilenet {
namespace {

constexpr std::array<const char*, kStages.size()> kStageNames{"stage 1", "stage 2", "stage 3",
                                                              "stage 4", "stage 5", "stage 6"};

int width(const NetworkOptions& options, int channels) {
  return std::max(1, channels / options.width_divisor);
}

}  // namespace

Graph network(const NetworkOptions& options, std::span<const Genes> paths) {
  constexpr int kReduction = 32;  // side of an image over side of the last feature map
  RLNAS_CHECK(options.classes > 0, usage, "--classes ", options.classes, ": must be positive");
  RLNAS_CHECK(options.image_size > 0 && options.image_size % kReduction == 0, usage, "--image-size ",
              options.image_size, ": must be a positive multiple of ", kReduction);
  Graph graph;
  int x = graph.input({3, options.image_size, options.image_size});
  graph.begin_stage("stem");
  x = conv_norm(graph, x, "conv_bn", 0,
                {.out_channels = width(options, kStemChannels), .kernel = 3, .stride = 2, .padding = 1});
  x = graph.activation(x, Activation::relu6);
  x = inverted_residual(graph, x, "MBConv_ratio_1.conv",
                        {.out_channels = width(options, kFirstBlockChannels)});
  graph.add_feature("stem", x);
  std::size_t stage = 0;
  for (int b = 0; b < kBlockCount; ++b) {
    const Block& shape = kBlocks[std::size_t(b)];
    if (shape.opens_stage) graph.begin_stage(kStageNames[stage++]);
    graph.begin_unit();
    const int chosen = paths.empty() ? -1 : paths.front()[std::size_t(b)];
    RLNAS_CHECK(chosen < shape.options(), run_failed, "block ", b, " has no option ", chosen);
    std::vector<int> outputs;
    for (int op = 0; op < kConvOpCount; ++op) {
      if (chosen >= 0 && chosen != op) continue;
      graph.set_owner({.cell = b, .edge = 0, .op = op});
      outputs.push_back(inverted_residual(
          graph, x, "features." + std::to_string(b) + "._ops." + std::to_string(op) + ".conv",
          {width(options, shape.out), kernel_size(Op(op)), shape.stride, expansion(Op(op))}));
    }
    graph.set_owner({});
    if (!outputs.empty()) x = graph.sum(std::move(outputs));
    graph.add_feature("block " + std::to_string(b), x);
  }
  graph.begin_stage("head");
  graph.begin_unit();
  x = conv_norm(graph, x, "conv_1x1_bn", 0, {.out_channels = width(options, kHeadChannels)});
  x = graph.global_avg_pool(graph.activation(x, Activation::relu6));
  graph.add_feature("features", x);
  graph.add_output(graph.linear(graph.dropout(x, "dropout"), "classifier.0", options.classes));
  return graph;
}

std::vector<ChoiceSite> choice_sites(const NetworkOptions& options) {
  std::vector<ChoiceSite> sites;
  for (int b = 0; b < kBlockCount; ++b) {
    const Block& block = kBlocks[std::size_t(b)];
    sites.push_back(
        {.gene = b, .cell = b, .channels = width(options, block.in), .changes_shape = block.opens_stage});
  }
  return sites;
}

}  // namespace rlnas::mobilenet
