// The inverted residual of MobileNetV2 and ProxylessNAS: 1x1 expansion, depthwise filter, 1x1 projection,
// each batch-normalised, ReLU6 after the first two, and the input added where the shape allows. Its output is
// not activated. Source: method.md 6.
#pragma once

#include <string>

#include "ops/context.h"
#include "ops/layers.h"

namespace rlnas {

struct InvertedResidualSpec {
  int in_channels = 0;
  int out_channels = 0;
  int kernel = 3;     // of the depthwise filter
  int stride = 1;     // likewise
  int expansion = 3;  // hidden channels an input channel; 1: no expansion layer

  int hidden_channels() const { return in_channels * expansion; }
  // Whether the input is added to the output.
  bool adds_input() const { return stride == 1 && in_channels == out_channels; }
};

// A convolution whose output is batch-normalised.
struct NormalisedConv {
  Conv2d conv;
  BatchNorm norm;
};
// name + ".0" is the convolution and name + ".1" the norm where they are layers 0 and 1 of a sequence.
NormalisedConv add_normalised_conv(ModelBuilder& builder, const std::string& sequence, int layer,
                                   Conv2d geometry, Owner owner = {});
// activation(norm(conv(x))).
Tensor apply(Context& context, const NormalisedConv& layer, const Tensor& x, Activation activation);

struct InvertedResidual {
  InvertedResidualSpec spec;
  NormalisedConv expand;  // unused when spec.expansion is 1
  NormalisedConv depthwise;
  NormalisedConv project;
};

// Lays its tensors out as `sequence`.0, .1, .3, .4, .6, .7 (ReLU6 being 2 and 5), as published.
InvertedResidual add_inverted_residual(ModelBuilder& builder, const std::string& sequence,
                                       const InvertedResidualSpec& spec, Owner owner = {});
// Shapes: x [N,H,W,in_channels] -> [N,P,Q,out_channels].
Tensor apply(Context& context, const InvertedResidual& block, const Tensor& x);

}  // namespace rlnas
