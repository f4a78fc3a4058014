#include "ops/auxiliary_head.h"

#include "ops/classifier.h"
#include "ops/conv.h"
#include "ops/norm_sum.h"

namespace rlnas {
namespace {

constexpr int kSqueezed = 128, kFeatures = 768;

}  // namespace

AuxiliaryHead add_auxiliary_head(ModelBuilder& builder, AuxiliaryKind kind, int channels, int classes) {
  const std::string features = "auxiliary_head.features.";
  AuxiliaryHead head;
  if (kind == AuxiliaryKind::cifar) head.pool.stride = 3;
  head.squeeze = builder.conv(features + "2", {.in_channels = channels, .out_channels = kSqueezed});
  head.squeeze_norm = builder.batch_norm(features + "3", kSqueezed, Affine::yes);
  head.expand =
      builder.conv(features + "5", {.in_channels = kSqueezed, .out_channels = kFeatures, .kernel = 2});
  if (kind == AuxiliaryKind::cifar)
    head.expand_norm = builder.batch_norm(features + "6", kFeatures, Affine::yes);
  head.classifier = builder.linear("auxiliary_head.classifier", kFeatures, classes);
  return head;
}

Tensor apply(Context& context, const AuxiliaryHead& head, const Tensor& x) {
  const int side = head.pool.kernel + head.pool.stride;  // two windows each way
  RLNAS_CHECK(x.h() >= side && x.h() < side + head.pool.stride && x.h() == x.w(), usage,
              "the auxiliary head takes ", side, "x", side, " pixels from the second reduction cell, not ",
              x.h(), "x", x.w(), ": choose another --image-size, or --auxiliary 0");
  const Tensor pooled = avg_pool(context, x, head.pool);
  const Tensor squeezed =
      norm_sum(context, {conv_norm(context, pooled, head.squeeze, head.squeeze_norm)}, Want::activated)
          .activated;
  const SumTerm expanded = head.expand_norm.channels > 0
                               ? conv_norm(context, squeezed, head.expand, head.expand_norm)
                               : SumTerm{conv2d(context, squeezed, head.expand)};
  return linear(context, norm_sum(context, {expanded}, Want::activated).activated, head.classifier);
}

}  // namespace rlnas
