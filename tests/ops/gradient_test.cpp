// The tape against finite differences of the loss: every parameter of small networks that use each operation.
#include <doctest/doctest.h>

#include "ops/auxiliary_head.h"
#include "ops/channels.h"
#include "ops/conv.h"
#include "ops/drop.h"
#include "ops/factorized_reduce.h"
#include "ops/norm_sum.h"
#include "ops/pool.h"
#include "ops/separable_conv.h"
#include "tests/ops/test_network.h"

namespace rlnas::test {
namespace {

// An activation shared by several edges, a skip, and a sum of many terms.
struct SumNetwork {
  static constexpr int kSize = 6;
  ModelBuilder builder;
  Conv2d stem = builder.conv("stem", {.in_channels = 3, .out_channels = 8, .kernel = 3, .padding = 1});
  BatchNorm stem_norm = builder.batch_norm("stem_norm", 8, Affine::yes);
  Conv2d a = builder.conv("a", {.in_channels = 8, .out_channels = 8, .kernel = 1});
  BatchNorm a_norm = builder.batch_norm("a_norm", 8, Affine::yes);
  Conv2d b =
      builder.conv("b", {.in_channels = 8, .out_channels = 8, .kernel = 3, .padding = 2, .dilation = 2});
  BatchNorm b_norm = builder.batch_norm("b_norm", 8, Affine::no);
  Conv2d down =
      builder.conv("down", {.in_channels = 8, .out_channels = 16, .kernel = 3, .stride = 2, .padding = 1});
  Conv2d shortened = builder.conv("short", {.in_channels = 8, .out_channels = 16});
  BatchNorm down_norm = builder.batch_norm("down_norm", 16, Affine::yes);
  BatchNorm constant_norm = builder.batch_norm("constant_norm", 16, Affine::yes);
  Linear classifier = builder.linear("classifier", 16, 5);

  Tensor operator()(Context& c, const Tensor& images) const {
    const NodeOutput x = norm_sum(c, {conv_norm(c, images, stem, stem_norm)}, Want::both);
    const Tensor pooled = avg_pool(c, x.sum, {});
    const NodeOutput y = norm_sum(c,
                                  {conv_norm(c, x.activated, a, a_norm),
                                   conv_norm(c, x.activated, b, b_norm),
                                   {x.sum},
                                   {x.sum},
                                   {pooled},
                                   average_3x3(x.sum),
                                   average_3x3(x.activated),
                                   {x.activated}},
                                  Want::both);
    // A gradient must pass back through the ReLU whatever takes the activated tensor.
    const Tensor shortcut =
        conv2d(c, avg_pool(c, y.activated, {.kernel = 2, .stride = 2, .padding = 0}), shortened);
    const Tensor raw = conv2d(c, activate(c, y.sum, Activation::relu6), down);
    // gamma and beta of a batch norm have gradients even when its input needs none.
    RandomStream random(6, "constant");
    const Tensor constant = make_tensor(c.arena, raw.shape);
    for (std::size_t i = 0; i < constant.count(); ++i) constant.data()[i] = random.uniform();
    const Tensor z =
        norm_sum(c, {normalise(c, raw, down_norm), {shortcut}, normalise(c, constant, constant_norm)},
                 Want::activated)
            .activated;
    return linear(c, global_avg_pool(c, z), classifier);
  }
};

// The operations of the DARTS spaces, at strides 1 and 2, on tensors that are activated and on ones that are
// not.
struct DartsNetwork {
  static constexpr int kSize = 8;
  ModelBuilder builder;
  Conv2d stem = builder.conv("stem", {.in_channels = 3, .out_channels = 8, .kernel = 3, .padding = 1});
  BatchNorm stem_norm = builder.batch_norm("stem_norm", 8, Affine::yes);
  BatchNorm max_norm = builder.batch_norm("max_norm", 8, Affine::yes);
  BatchNorm avg_norm = builder.batch_norm("avg_norm", 8, Affine::yes);
  SeparableConv sep = separable("sep", 8, 5, 1, 1), dil = separable("dil", 8, 3, 1, 2);
  FactorizedReduce reduce{builder.conv("reduce.1", {.in_channels = 16, .out_channels = 8}),
                          builder.conv("reduce.2", {.in_channels = 16, .out_channels = 8}),
                          builder.batch_norm("reduce.norm", 16, Affine::yes)};
  FactorizedReduce plain{builder.conv("plain.1", {.in_channels = 16, .out_channels = 8}),
                         builder.conv("plain.2", {.in_channels = 16, .out_channels = 8}),
                         builder.batch_norm("plain.norm", 16, Affine::yes)};
  SeparableConv sep_2 = separable("sep_2", 16, 3, 2, 1), dil_2 = separable("dil_2", 16, 5, 2, 2);
  BatchNorm max_2_norm = builder.batch_norm("max_2_norm", 16, Affine::yes);
  Linear classifier = builder.linear("classifier", 16, 5);

  SeparableConv separable(const std::string& name, int channels, int kernel, int stride, int dilation) {
    return {builder.conv(name + ".depthwise", {.in_channels = channels,
                                               .out_channels = channels,
                                               .kernel = kernel,
                                               .stride = stride,
                                               .padding = dilation * (kernel / 2),
                                               .dilation = dilation,
                                               .groups = channels}),
            builder.conv(name + ".pointwise", {.in_channels = channels, .out_channels = channels}),
            builder.batch_norm(name + ".norm", channels, Affine::yes)};
  }

  Tensor operator()(Context& c, const Tensor& images) const {
    const NodeOutput x = norm_sum(c, {conv_norm(c, images, stem, stem_norm)}, Want::both);
    const NodeOutput a = norm_sum(
        c, {normalise(c, max_pool(c, x.sum, {}), max_norm), separable_conv(c, x.activated, sep)}, Want::both);
    const NodeOutput b = norm_sum(
        c, {normalise(c, avg_pool(c, x.activated, {}), avg_norm), separable_conv(c, x.activated, dil)},
        Want::both);
    const Tensor joined = concat_channels(c, {a.activated, b.activated});
    const Tensor joined_sums = concat_channels(c, {b.sum, a.sum});
    const Pool pool{.kernel = 3, .stride = 2, .padding = 1};
    const Tensor y = norm_sum(c,
                              {factorized_reduce(c, joined, reduce), separable_conv(c, joined, sep_2),
                               separable_conv(c, joined, dil_2), factorized_reduce(c, joined_sums, plain),
                               normalise(c, max_pool(c, joined, pool), max_2_norm)},
                              Want::activated)
                         .activated;
    return linear(c, global_avg_pool(c, y), classifier);
  }
};

// What is only in stand-alone networks: dropped edges and values, and the auxiliary head as the classifier.
template <AuxiliaryKind kKind>
struct RetrainNetwork {
  static constexpr int kSize = kKind == AuxiliaryKind::cifar ? 8 : 7;
  ModelBuilder builder;
  Conv2d stem = builder.conv("stem", {.in_channels = 3, .out_channels = 8, .kernel = 3, .padding = 1});
  BatchNorm stem_norm = builder.batch_norm("stem_norm", 8, Affine::yes);
  Conv2d a = builder.conv("a", {.in_channels = 8, .out_channels = 8, .kernel = 3, .padding = 1});
  BatchNorm a_norm = builder.batch_norm("a_norm", 8, Affine::yes);
  AuxiliaryHead head = add_auxiliary_head(builder, kKind, 8, 5);
  Linear classifier = builder.linear("classifier", 8, 5);

  Tensor operator()(Context& c, const Tensor& images) const {
    const DropSpec drop{.probability = 0.4, .seed = 2};
    const NodeOutput x = norm_sum(c, {conv_norm(c, images, stem, stem_norm)}, Want::both);
    const Tensor edge = norm_sum(c, {conv_norm(c, x.activated, a, a_norm)}, Want::sum).sum;
    // The gradients of a dropped tensor and of one that was activated first.
    const Tensor y = norm_sum(c, {{drop_path(c, edge, "edge", drop)}, {drop_path(c, x.activated, "x", drop)}},
                              Want::activated)
                         .activated;
    const Tensor beside = linear(c, dropout(c, global_avg_pool(c, y), "features", drop), classifier);
    return norm_sum(c, {{apply(c, head, y)}, {beside}}, Want::sum).sum;
  }
};

template <class Network>
void check(Backend& backend) {
  const Network layers;
  TestNetwork network(backend, layers.builder, Network::kSize, layers);
  check_gradients(network);
}

}  // namespace

TEST_CASE("gradients of the tape equal finite differences: ref") {
  check<SumNetwork>(*make_ref_backend());
}
TEST_CASE("gradients of the tape equal finite differences: cpu") {
  check<SumNetwork>(*make_cpu_backend({.threads = 2}));
}
TEST_CASE("gradients of the DARTS operations equal finite differences: ref") {
  check<DartsNetwork>(*make_ref_backend());
}
TEST_CASE("gradients of the DARTS operations equal finite differences: cpu") {
  check<DartsNetwork>(*make_cpu_backend({.threads = 2}));
}
TEST_CASE("gradients of drops and the auxiliary heads equal finite differences: ref") {
  check<RetrainNetwork<AuxiliaryKind::cifar>>(*make_ref_backend());
  check<RetrainNetwork<AuxiliaryKind::imagenet>>(*make_ref_backend());
}
TEST_CASE("gradients of drops and the auxiliary heads equal finite differences: cpu") {
  check<RetrainNetwork<AuxiliaryKind::cifar>>(*make_cpu_backend({.threads = 2}));
  check<RetrainNetwork<AuxiliaryKind::imagenet>>(*make_cpu_backend({.threads = 2}));
}

}  // namespace rlnas::test
