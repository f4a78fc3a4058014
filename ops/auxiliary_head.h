// The auxiliary classifier of the DARTS family, hung on the output of the second reduction cell while a
// network trains: ReLU, average of 5x5 pixels, 1x1 convolution to 128 channels, batch norm, ReLU, 2x2
// convolution to 768, ReLU, linear. CIFAR's also normalises behind the second convolution; ImageNet's does
// not, as published. Source: method.md 10.
#pragma once

#include "ops/context.h"
#include "ops/layers.h"
#include "ops/pool.h"

namespace rlnas {

struct AuxiliaryHead {
  Pool pool{.kernel = 5, .stride = 2, .padding = 0};
  Conv2d squeeze, expand;
  BatchNorm squeeze_norm, expand_norm;  // the second one has no channels where there is none
  Linear classifier;
};

enum class AuxiliaryKind { cifar, imagenet };

// Lays its tensors out under `auxiliary_head`.
AuxiliaryHead add_auxiliary_head(ModelBuilder& builder, AuxiliaryKind kind, int channels, int classes);

// Shapes: x [N,H,W,C], already activated, H and W 8 (CIFAR) or 7 (ImageNet) -> [N,classes].
// Errors: usage for images of another size.
Tensor apply(Context& context, const AuxiliaryHead& head, const Tensor& x);

}  // namespace rlnas
