#include "search/mobilenet/supernet.h"

#include <algorithm>

#include "ops/classifier.h"
#include "ops/pool.h"

namespace rlnas::mobilenet {
namespace {

constexpr std::array<const char*, kStages.size()> kStageNames{"stage 1", "stage 2", "stage 3",
                                                              "stage 4", "stage 5", "stage 6"};

}  // namespace

Supernet::Supernet(const SupernetConfig& config) : config_(config), builder_(config.initializer) {
  const auto width = [&](int channels) { return std::max(1, channels / config.width_divisor); };
  const int stem = width(kStemChannels), first = width(kFirstBlockChannels);
  stem_ =
      add_normalised_conv(builder_, "conv_bn", 0,
                          {.in_channels = 3, .out_channels = stem, .kernel = 3, .stride = 2, .padding = 1});
  first_block_ = add_inverted_residual(builder_, "MBConv_ratio_1.conv",
                                       {.in_channels = stem, .out_channels = first, .expansion = 1});
  for (int b = 0; b < kBlockCount; ++b) {
    const Block& shape = kBlocks[std::size_t(b)];
    ChoiceBlock block;
    block.first_segment = builder_.parameters().size();
    for (int op = 0; op < kConvOpCount; ++op) {
      if (config.only && config.only->ops[std::size_t(b)] != Op(op)) continue;
      block.ops[std::size_t(op)] = add_inverted_residual(
          builder_, "features." + std::to_string(b) + "._ops." + std::to_string(op) + ".conv",
          {.in_channels = width(shape.in),
           .out_channels = width(shape.out),
           .kernel = kernel_size(Op(op)),
           .stride = shape.stride,
           .expansion = expansion(Op(op))},
          {.cell = b, .edge = 0, .op = op});
    }
    blocks_.push_back(block);
  }
  const int last = width(kStages.back().channels), head = width(kHeadChannels);
  head_ = add_normalised_conv(builder_, "conv_1x1_bn", 0, {.in_channels = last, .out_channels = head});
  classifier_ = builder_.linear("classifier.0", head, config.classes);
}

Tensor Supernet::forward(Context& context, const Tensor& images, const Architecture& architecture,
                         const DropSpec& dropout) const {
  context.tape.begin_stage("stem");
  Tensor x = apply(context, stem_, images, Activation::relu6);
  x = apply(context, first_block_, x);
  int stage = -1;
  for (int b = 0; b < kBlockCount; ++b) {
    const Block& shape = kBlocks[std::size_t(b)];
    const ChoiceBlock& block = blocks_[std::size_t(b)];
    const Op op = architecture.ops[std::size_t(b)];
    RLNAS_CHECK(int(op) >= 0 && int(op) < shape.options(), run_failed, "block ", b, " has no option ",
                int(op));
    if (shape.opens_stage) context.tape.begin_stage(kStageNames[std::size_t(++stage)]);
    context.mark_gradients_from(block.first_segment);
    if (op != Op::identity) x = apply(context, block.ops[std::size_t(op)], x);
  }
  context.tape.begin_stage("head");
  context.mark_gradients_from(head_.conv.weight);
  const Tensor features = apply(context, head_, x, Activation::relu6);
  return linear(context, rlnas::dropout(context, global_avg_pool(context, features), "dropout", dropout),
                classifier_);
}

SegmentTable supernet_segments(int classes) {
  RLNAS_CHECK(classes > 0, usage, "--classes ", classes, ": must be positive");
  return Supernet({.classes = classes}).layout().parameters();
}

}  // namespace rlnas::mobilenet
