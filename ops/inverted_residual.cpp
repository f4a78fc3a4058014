#include "ops/inverted_residual.h"

#include "ops/conv.h"
#include "ops/norm_sum.h"

namespace rlnas {

NormalisedConv add_normalised_conv(ModelBuilder& builder, const std::string& sequence, int layer,
                                   Conv2d geometry, Owner owner) {
  const auto name = [&](int index) { return sequence + "." + std::to_string(index); };
  const Conv2d conv = builder.conv(name(layer), geometry, owner);
  return {conv, builder.batch_norm(name(layer + 1), conv.out_channels, Affine::yes, owner)};
}

Tensor apply(Context& context, const NormalisedConv& layer, const Tensor& x, Activation activation) {
  const SumTerm term = conv_norm(context, x, layer.conv, layer.norm);
  return norm_sum(context, {term}, Want::activated, activation).activated;
}

InvertedResidual add_inverted_residual(ModelBuilder& builder, const std::string& sequence,
                                       const InvertedResidualSpec& spec, Owner owner) {
  constexpr int kLayersWithActivation = 3;  // convolution, norm, ReLU6
  const int hidden = spec.hidden_channels();
  InvertedResidual block;
  block.spec = spec;
  int layer = 0;
  if (spec.expansion > 1) {
    block.expand = add_normalised_conv(builder, sequence, layer,
                                       {.in_channels = spec.in_channels, .out_channels = hidden}, owner);
    layer += kLayersWithActivation;
  }
  block.depthwise = add_normalised_conv(builder, sequence, layer,
                                        {.in_channels = hidden,
                                         .out_channels = hidden,
                                         .kernel = spec.kernel,
                                         .stride = spec.stride,
                                         .padding = spec.kernel / 2,
                                         .groups = hidden},
                                        owner);
  layer += kLayersWithActivation;
  block.project = add_normalised_conv(builder, sequence, layer,
                                      {.in_channels = hidden, .out_channels = spec.out_channels}, owner);
  return block;
}

Tensor apply(Context& context, const InvertedResidual& block, const Tensor& x) {
  const auto next = [&](const SumTerm& hidden, const NormalisedConv& layer) {
    return conv_norm(context, hidden, Activation::relu6, layer.conv, layer.norm);
  };
  const SumTerm hidden =
      block.spec.expansion > 1
          ? next(conv_norm(context, x, block.expand.conv, block.expand.norm), block.depthwise)
          : conv_norm(context, x, block.depthwise.conv, block.depthwise.norm);
  std::vector<SumTerm> terms{next(hidden, block.project)};
  if (block.spec.adds_input()) terms.push_back({x});
  return norm_sum(context, std::move(terms), Want::sum, Activation::none).sum;
}

}  // namespace rlnas
