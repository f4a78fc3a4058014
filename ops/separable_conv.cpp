#include "ops/separable_conv.h"

#include "ops/conv.h"

namespace rlnas {

SumTerm separable_conv(Context& context, const Tensor& x, const SeparableConv& layer) {
  return conv_norm(context, conv2d(context, x, layer.depthwise), layer.pointwise, layer.norm);
}

}  // namespace rlnas
