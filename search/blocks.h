// Blocks of layers that candidate operations are made of, each once for all spaces that have it. Every
// function adds one to a graph and returns its last node. Shapes: x [N,H,W,C] -> [N,P,Q,K], halved at
// stride 2. Weights are named as in the published state dicts.
#pragma once

#include <string>

#include "ops/graph.h"

namespace rlnas {

// ReLU, `name`.op.1 (convolution), `name`.op.2 (norm).
int relu_conv_norm(Graph& graph, int x, const std::string& name, Conv2d geometry,
                   Affine affine = Affine::yes);

// Layers `first` and `first`+1 of a sequence: a convolution and its norm.
int conv_norm(Graph& graph, int x, const std::string& sequence, int first, Conv2d geometry,
              Affine affine = Affine::yes);

// A depthwise filter, a 1x1 convolution and a norm: layers `first` to `first`+2 of `name`.op.
struct Separable {
  int out_channels = 0;
  int kernel = 3;  // of the depthwise filter, as the rest
  int stride = 1;
  int dilation = 1;
};
int separable(Graph& graph, int x, const std::string& name, int first, const Separable& block,
              Affine affine = Affine::yes);

// Of an activated x: two 1x1 convolutions of stride 2, one of them a pixel further on, side by side, and a
// norm. Errors: usage for an image of odd sides.
int factorized_reduce(Graph& graph, int x, const std::string& name, int out_channels,
                      Affine affine = Affine::yes);

// The inverted residual of MobileNetV2 and ProxylessNAS: 1x1 expansion, depthwise filter, 1x1 projection,
// each batch-normalised, ReLU6 after the first two, and the input added where the shape allows. Its output is
// not activated.
struct InvertedResidual {
  int out_channels = 0;
  int kernel = 3;     // of the depthwise filter
  int stride = 1;     // likewise
  int expansion = 1;  // hidden channels an input channel; 1: no expansion layer
};
int inverted_residual(Graph& graph, int x, const std::string& sequence, const InvertedResidual& block,
                      Affine affine = Affine::yes);

// NAS-Bench-201's between its stages: two times ReLU, 3x3 convolution, norm, the first of stride 2, and
// beside them a 2x2 average and a 1x1 convolution.
int reduction_block(Graph& graph, int x, const std::string& name, int out_channels);

}  // namespace rlnas
