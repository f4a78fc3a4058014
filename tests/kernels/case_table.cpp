// Convolution, batch norm and element-wise cases; the rest are in case_table_rest.cpp.
#include "tests/kernels/case_table.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "tests/kernels/case_names.h"

namespace rlnas::test {
namespace {

void run_conv(Harness& h, const ConvSpec& spec) {
  const ConstValues x = h.values(spec.in_count());
  const float* const w = h.input(spec.weight_count());
  const ConstValues dy = h.values(spec.out_count());
  h.run(ConvForward{.spec = spec, .x = x, .w = w, .y = h.output_values("y", spec.out_count())});
  h.run(ConvBackwardData{.spec = spec, .dy = dy, .w = w, .dx = h.output_values("dx", spec.in_count())});
  h.run(ConvBackwardWeights{.spec = spec, .x = x, .dy = dy, .dw = h.output("dw", spec.weight_count())});
}

enum class Affine { none, given };  // gamma and beta

enum class Around { nothing, norm_before, activation_behind, both };

// Forward and backward; every combination of optional operands comes up over the table. The input is x, or
// the activation of its batch norm; the gradient that of the normalised output, or of its activation.
void run_conv_norm(Harness& h, const ConvSpec& conv, int variant, Around around) {
  const bool normalises_input = around == Around::norm_before || around == Around::both;
  const bool activates = around == Around::activation_behind || around == Around::both;
  constexpr Activation kActivations[] = {Activation::none, Activation::relu, Activation::relu6};
  const ConvNormSpec spec{.conv = conv, .normalises_input = normalises_input};
  const std::size_t channels = std::size_t(conv.out_channels);
  const bool affine = variant % 2 == 0;
  const Activation activation = kActivations[variant % 3];
  std::vector<float> values =
      h.random_floats(conv.in_count(), -3.0, activation == Activation::relu6 ? 9.0 : 3.0);
  for (float& value : values) {
    if (normalises_input) break;
    if (activation != Activation::none) value = std::max(value, 0.0f);
    if (activation == Activation::relu6) value = std::min(value, 6.0f);
  }
  const ConstValues x = h.upload_values(values);
  ConstBatchNormSaved x_norm;
  if (normalises_input) {
    x_norm.scale = h.input(std::size_t(conv.in_channels), 0.3, 0.9);
    x_norm.shift = h.input(std::size_t(conv.in_channels), -0.3, 0.3);
  }
  const float* const w = h.input(conv.weight_count());
  h.run(ConvNormForward{.spec = spec,
                        .x = x,
                        .x_norm = x_norm,
                        .x_activation = activation,
                        .w = w,
                        .y = h.output_values("y", conv.out_count()),
                        .gamma = affine ? h.input(channels, 0.5, 1.5) : nullptr,
                        .beta = affine ? h.input(channels) : nullptr,
                        .running_mean = h.output("running_mean", h.random_floats(channels)),
                        .running_var = h.output("running_var", h.random_floats(channels, 0.5, 2.0)),
                        .saved = BatchNormSaved::at(h.output("saved", 4 * channels), conv.out_channels)});
  // The backward pass starts from the same values on every backend.
  std::vector<float> saved(4 * channels, 0.5f);
  std::fill_n(saved.begin(), channels, 0.1f);
  if (activates) std::fill_n(saved.end() - long(channels), channels, 5.5f);
  ConvNormBackward call{.spec = spec,
                        .x = x,
                        .x_norm = x_norm,
                        .x_activation = activation,
                        .w = w,
                        .y = h.values(conv.out_count(), -2.0, 2.0),
                        .saved = ConstBatchNormSaved::at(h.upload(saved), conv.out_channels),
                        .dz = h.values(conv.out_count(), -0.2, 1.0),
                        .dw = variant % 5 != 4 ? h.output("dw", conv.weight_count()) : nullptr,
                        .dgamma = affine ? h.output("dgamma", channels) : nullptr,
                        .dbeta = affine ? h.output("dbeta", channels) : nullptr};
  if (activates) call.z_activation = kActivations[1 + variant % 2];
  if (variant % 4 != 3) {
    call.dx = h.output_values("dx", h.random_floats(conv.in_count()));
    call.store = variant % 4 == 1 ? Store::accumulate : Store::overwrite;
  }
  h.run(call);
}

void run_batch_norm(Harness& h, const BatchNormSpec& spec, double mean, double spread, Affine affine) {
  const std::size_t channels = std::size_t(spec.channels);
  const std::vector<float> values = h.random_floats(spec.count(), mean - spread, mean + spread);
  const ConstValues x = h.upload_values(values);
  const float* const gamma = affine == Affine::given ? h.input(channels, 0.5, 1.5) : nullptr;
  const float* const beta = affine == Affine::given ? h.input(channels) : nullptr;
  float* const running_mean = h.output("running_mean", h.random_floats(channels));
  float* const running_var = h.output("running_var", h.random_floats(channels, 0.5, 2.0));
  h.run(BatchNormStatistics{.spec = spec,
                            .x = x,
                            .gamma = gamma,
                            .beta = beta,
                            .running_mean = running_mean,
                            .running_var = running_var,
                            .saved = BatchNormSaved::at(h.output("saved", 4 * channels), spec.channels)});
  // The backward pass starts from the same saved values on every backend.
  std::vector<float> saved(4 * channels);
  for (std::size_t c = 0; c < channels; ++c) {
    const double inv_std = std::sqrt(3.0) / spread;
    saved[c] = float(mean);
    saved[channels + c] = float(inv_std);
    saved[2 * channels + c] = float(0.7 * inv_std);
    saved[3 * channels + c] = float(-mean * 0.7 * inv_std);
  }
  const auto saved_in = ConstBatchNormSaved::at(h.upload(saved), spec.channels);
  const std::vector<float> gradient = h.random_floats(spec.count(), -0.2, 1.0);
  h.run(BatchNormBackward{.spec = spec,
                          .x = x,
                          .dy = h.upload_values(gradient),
                          .saved = saved_in,
                          .dx = h.output_values("dx", spec.count()),
                          .dgamma = affine == Affine::given ? h.output("dgamma", channels) : nullptr,
                          .dbeta = affine == Affine::given ? h.output("dbeta", channels) : nullptr});
  const Values in_place = h.output_values("dx in place of dy", gradient);
  h.run(BatchNormBackward{.spec = spec, .x = x, .dy = in_place, .saved = saved_in, .dx = in_place});
  for (const Activation activation : {Activation::relu, Activation::relu6}) {
    const Values masked = h.output_values("dx through an activation", gradient);
    h.run(BatchNormBackward{.spec = spec,
                            .x = x,
                            .dy = masked,
                            .saved = saved_in,
                            .dx = masked,
                            .dgamma = h.output("dgamma through it", channels),
                            .activation = activation});
  }
  h.run(BatchNormInference{.spec = spec,
                           .gamma = gamma,
                           .beta = beta,
                           .running_mean = h.input(channels),
                           .running_var = h.input(channels, 0.1, 2.0),
                           .saved = BatchNormSaved::at(h.output("inference", 4 * channels), spec.channels)});
}

enum class Write { sum, activated, both };

void run_affine_sum(Harness& h, AffineSumSpec spec, Write write) {
  const std::size_t count = std::size_t(spec.rows) * std::size_t(spec.channels);
  for (int t = 0; t < spec.term_count; ++t) {
    AffineTerm& term = spec.terms[std::size_t(t)];
    term.x = h.values(count, -3.0, 3.0);
    term.averaged = spec.height > 0 && t % 3 == 2;
    if (t % 3 == 1 || term.averaged) continue;  // as it is
    term.scale = h.input(std::size_t(spec.channels));
    term.shift = h.input(std::size_t(spec.channels));
  }
  h.run(AffineSum{.spec = spec,
                  .sum = write == Write::activated ? nullptr : h.output_values("sum", count),
                  .activated = write == Write::sum ? nullptr : h.output_values("activated", count)});
}

}  // namespace

std::vector<ConvSpec> conv_specs() {
  // {batch, in_channels, in_height, in_width, out_channels, kernel, stride, padding, dilation, groups}
  std::vector<ConvSpec> specs = {
      // of the NAS-Bench-201 SuperNet
      {5, 3, 32, 32, 16, 3, 1, 1, 1, 1},
      {3, 16, 32, 32, 16, 1, 1, 0, 1, 1},
      {18, 16, 16, 16, 16, 3, 1, 1, 1, 1},
      {3, 16, 32, 32, 32, 3, 2, 1, 1, 1},
      {40, 16, 9, 9, 32, 3, 1, 1, 1, 1},
      {40, 16, 16, 16, 32, 1, 1, 0, 1, 1},
      {1, 32, 16, 16, 32, 3, 1, 1, 1, 1},
      {17, 32, 8, 8, 64, 3, 2, 1, 1, 1},
      {64, 64, 4, 4, 64, 3, 1, 1, 1, 1},
      {9, 64, 8, 8, 64, 1, 1, 0, 1, 1},
      // 1x1 with 24, 48 and 8 channels left over, and with pixels that are no whole tiles
      {8, 24, 28, 28, 144, 1, 1, 0, 1, 1},
      {3, 48, 7, 7, 24, 1, 1, 0, 1, 1},
      {17, 72, 5, 5, 200, 1, 1, 0, 1, 1},
      // odd sizes and channels
      {1, 1, 1, 1, 1, 1, 1, 0, 1, 1},
      {64, 64, 1, 1, 64, 3, 1, 1, 1, 1},
      {3, 5, 7, 9, 24, 3, 1, 1, 1, 1},
      {40, 3, 5, 4, 5, 3, 2, 1, 1, 1},
      {3, 24, 5, 5, 40, 5, 2, 2, 1, 1},
      {2, 16, 5, 5, 16, 3, 1, 0, 1, 1},
      {1, 5, 3, 3, 5, 1, 1, 2, 1, 1},
      {3, 16, 7, 7, 16, 1, 2, 0, 1, 1},
      {2, 3, 20, 20, 16, 7, 2, 3, 1, 1},
      // of the auxiliary head
      {5, 16, 2, 2, 96, 2, 1, 0, 1, 1},
      {3, 128, 2, 2, 40, 2, 1, 0, 1, 1},
      // alike but for one number: a primitive must not be mistaken for another
      {3, 16, 9, 9, 16, 3, 1, 2, 1, 1},
      {3, 16, 9, 9, 16, 3, 1, 1, 1, 1},
      {3, 16, 9, 9, 16, 3, 2, 2, 1, 1},
      {3, 16, 9, 9, 16, 3, 1, 2, 1, 2},
      {3, 16, 9, 9, 16, 3, 1, 2, 1, 16},
      // dilation
      {3, 16, 9, 9, 16, 3, 1, 2, 2, 1},
      {5, 24, 11, 7, 16, 5, 1, 4, 2, 1},
      // depthwise
      {3, 16, 8, 8, 16, 3, 1, 1, 1, 16},
      {5, 24, 9, 9, 24, 5, 1, 2, 1, 24},
      {64, 16, 5, 5, 16, 3, 1, 2, 2, 16},
      {3, 40, 8, 8, 40, 5, 1, 4, 2, 40},
      {18, 16, 15, 15, 16, 3, 2, 1, 1, 16},
      {5, 64, 8, 8, 64, 5, 2, 2, 1, 64},
      {3, 96, 14, 14, 96, 7, 2, 3, 1, 96},
      {3, 5, 6, 7, 5, 3, 1, 1, 1, 5},
      {1, 1, 4, 4, 1, 3, 1, 1, 1, 1},
      // groups
      {3, 24, 7, 7, 16, 3, 1, 1, 1, 8},
      {2, 40, 6, 6, 24, 3, 2, 1, 1, 4},
      {3, 32, 6, 6, 32, 3, 1, 2, 2, 2},
      {2, 3, 5, 5, 6, 3, 1, 1, 1, 3},
  };
  // Every depthwise filter of the search spaces, on images it covers at once and on larger ones.
  for (const int kernel : {3, 5, 7})
    for (const int stride : {1, 2})
      for (const int dilation : {1, 2}) {
        const int padding = dilation * (kernel - 1) / 2;
        specs.push_back({9, 24, 3, 2, 24, kernel, stride, padding, dilation, 24});
        specs.push_back({3, 40, 11, 18, 40, kernel, stride, padding, dilation, 40});
      }
  return specs;
}

std::vector<Case> conv_cases() {
  std::vector<Case> cases;
  for (const ConvSpec& s : conv_specs())
    cases.push_back({"conv",
                     text("conv batch", s.batch, "image", s.in_height, s.in_width, "channels", s.in_channels,
                          s.out_channels, "kernel", s.kernel, "stride", s.stride, "padding", s.padding,
                          "dilation", s.dilation, "groups", s.groups),
                     1e-5, [s](Harness& h) { run_conv(h, s); }});
  for (const auto& [around, name] : {std::pair{Around::nothing, "conv norm batch"},
                                     {Around::norm_before, "conv norm of a norm, batch"},
                                     {Around::activation_behind, "conv norm before an activation, batch"},
                                     {Around::both, "conv norm between norm and activation, batch"}}) {
    // The input is rounded once more where it is made, and dw sums what cancels: measured 1.08e-5,
    // and 1.42e-5 by Winograd; before an activation 1.04e-5 by Winograd.
    const double tolerance = around == Around::nothing ? 1e-5 : 1.5e-5;
    int variant = 0;
    for (const ConvSpec& s : conv_specs()) {
      cases.push_back({"conv_norm",
                       text(name, s.batch, "image", s.in_height, s.in_width, "channels", s.in_channels,
                            s.out_channels, "kernel", s.kernel, "stride", s.stride, "padding", s.padding,
                            "dilation", s.dilation, "groups", s.groups, "variant", variant),
                       tolerance,
                       [s, variant, around](Harness& h) { run_conv_norm(h, s, variant, around); }});
      ++variant;
    }
  }
  return cases;
}

std::vector<Case> batch_norm_cases() {
  std::vector<Case> cases;
  struct Size {
    int rows, channels;
  };
  for (const Size size : {Size{1, 1},
                          {1, 16},
                          {2, 3},
                          {3, 5},
                          {255, 24},
                          {256, 16},
                          {257, 40},
                          {4096, 64},
                          {2560, 96},
                          {66000, 16},
                          {16385, 3}}) {
    cases.push_back(
        {"channel_dots", text("channel dots", size.rows, "x", size.channels), 2e-5, [=](Harness& h) {
           const std::size_t count = std::size_t(size.rows) * std::size_t(size.channels);
           h.run(ChannelDots{.rows = size.rows,
                             .channels = size.channels,
                             .x = h.values(count, -0.5, 1.0),
                             .dy = h.values(count),
                             .dots = h.output("dots", std::size_t(size.channels))});
         }});
    for (const Affine affine : {Affine::none, Affine::given}) {
      BatchNormSpec spec;
      spec.rows = size.rows;
      spec.channels = size.channels;
      const std::string name =
          text("batch norm", spec.rows, "x", spec.channels, affine == Affine::given ? "affine" : "");
      // At one row the variance is all cancellation; its tolerance is epsilon's.
      cases.push_back(
          {"batch_norm", name, 2e-5, [=](Harness& h) { run_batch_norm(h, spec, 0.3, 1.7, affine); }});
    }
  }
  BatchNormSpec far;
  far.rows = 5000;
  far.channels = 24;
  cases.push_back({"batch_norm", "batch norm mean 100, spread 0.01", 2e-5,
                   [=](Harness& h) { run_batch_norm(h, far, 100.0, 0.01, Affine::given); }});
  return cases;
}

std::vector<Case> elementwise_cases() {
  std::vector<Case> cases;
  constexpr Activation kActivations[] = {Activation::none, Activation::relu, Activation::relu6};
  constexpr Write kWrites[] = {Write::sum, Write::activated, Write::both};
  int variant = 0;
  for (const int channels : {1, 3, 5, 16, 24, 40, 64, 96})
    for (int terms = 0; terms <= AffineSumSpec::kMaxTerms; ++terms, ++variant) {
      AffineSumSpec spec;
      spec.rows = std::array{1, 37, 1024, 2049}[std::size_t(variant % 4)];
      spec.channels = channels;
      spec.term_count = terms;
      spec.activation = kActivations[variant % 3];
      const Write write = kWrites[variant / 3 % 3];
      cases.push_back({"affine_sum",
                       text("affine sum", spec.rows, "x", channels, "terms", terms, "variant", variant), 1e-6,
                       [=](Harness& h) { run_affine_sum(h, spec, write); }});
    }
  for (const int channels : {3, 16, 24, 32})
    for (int terms = 3; terms <= AffineSumSpec::kMaxTerms; ++terms, ++variant) {
      AffineSumSpec spec;
      spec.channels = channels;
      spec.height = std::array{1, 5, 8, 32}[std::size_t(variant % 4)];
      spec.width = std::array{9, 1, 8, 32}[std::size_t(variant % 4)];
      spec.rows = 3 * spec.height * spec.width;
      spec.term_count = terms;
      spec.activation = kActivations[variant % 3];
      const Write write = kWrites[variant / 3 % 3];
      cases.push_back({"affine_sum",
                       text("affine sum with averages", spec.height, "x", spec.width, "x", channels, "terms",
                            terms, "variant", variant),
                       1e-6, [=](Harness& h) { run_affine_sum(h, spec, write); }});
    }
  for (const std::size_t count : {std::size_t{1}, std::size_t{7}, std::size_t{16384}, std::size_t{50001}})
    for (const Store store : kStores) {
      for (const Activation activation : kActivations)
        cases.push_back({"activation_backward",
                         text("activation", int(activation), "backward", count, name_of(store)), 1e-7,
                         [=](Harness& h) {
                           std::vector<float> activated = h.random_floats(count, -3.0, 9.0);
                           for (float& value : activated) {
                             if (activation != Activation::none) value = std::max(value, 0.0f);
                             if (activation == Activation::relu6) value = std::min(value, 6.0f);
                           }
                           h.run(ActivationBackward{.activation = activation,
                                                    .count = count,
                                                    .activated = h.upload_values(activated),
                                                    .dy = h.values(count),
                                                    .dx = h.output_values("dx", h.random_floats(count)),
                                                    .store = store});
                         }});
      cases.push_back({"add", text("add", count, name_of(store)), 1e-7, [=](Harness& h) {
                         h.run(Add{.count = count,
                                   .x = h.values(count),
                                   .y = h.output_values("y", h.random_floats(count)),
                                   .store = store});
                       }});
      cases.push_back({"fill", text("fill", count), 0.0, [=](Harness& h) {
                         h.run(Fill{.count = count, .value = 1.25f, .y = h.output_values("y", count)});
                       }});
    }
  for (const RowScaleSpec spec :
       {RowScaleSpec{1, 1}, {5, 1}, {7, 3}, {3, 4}, {96, 2}, {1000, 1}, {64, 4096}, {3, 20011}, {33, 1022}})
    for (const Store store : kStores)
      cases.push_back({"scale_rows", text("scale rows", spec.rows, "of", spec.columns, name_of(store)), 1e-6,
                       [=](Harness& h) {
                         const float* const scale = h.input(std::size_t(spec.rows));
                         const ConstValues x = h.values(spec.count());
                         h.run(ScaleRows{.spec = spec,
                                         .scale = scale,
                                         .x = x,
                                         .y = h.output_values("y", h.random_floats(spec.count())),
                                         .store = store});
                       }});
  return cases;
}

std::vector<Case> in_bf16(const std::vector<Case>& cases) {
  std::vector<Case> stored;
  for (const Case& test : cases) {
    if (test.op == "linear" || test.op == "cross_entropy" || test.op == "sgd_step" ||
        test.op == "gradient_norm" || test.op == "angle_sums" || test.op == "round_weights")
      continue;
    Case one = test;
    one.name += " in bf16";
    one.run = [run = test.run](Harness& h) {
      h.store_values_as(Element::bf16);
      run(h);
    };
    // Made of others, whose results in between are rounded too (2^-9), or not where they never reach memory.
    if (test.op == "conv_norm") one.tolerance = 0x1p-7, one.rounded_apart = 1.0;
    stored.push_back(std::move(one));
  }
  return stored;
}

std::vector<Case> all_cases() {
  std::vector<Case> all;
  for (const auto& family : {conv_cases(), batch_norm_cases(), elementwise_cases(), pool_cases(),
                             rearrange_cases(), head_cases(), buffer_cases(), augment_cases()})
    all.insert(all.end(), family.begin(), family.end());
  return all;
}

}  // namespace rlnas::test
