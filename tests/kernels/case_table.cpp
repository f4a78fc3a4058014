#include "tests/kernels/case_table.h"

#include <cmath>
#include <sstream>

namespace rlnas::test {
namespace {

template <class... Parts>
std::string text(const Parts&... parts) {
  std::ostringstream out;
  ((out << parts << ' '), ...);
  return out.str();
}

constexpr Store kStores[] = {Store::overwrite, Store::accumulate};
const char* name_of(Store store) {
  return store == Store::overwrite ? "overwrite" : "accumulate";
}

void run_conv(Harness& h, const ConvSpec& spec) {
  Backend& b = h.backend();
  const float* const x = h.input(spec.in_count());
  const float* const w = h.input(spec.weight_count());
  const float* const dy = h.input(spec.out_count());
  b.conv_forward(spec, x, w, h.output("y", spec.out_count()),
                 h.workspace(b.conv_workspace_bytes(spec, ConvPass::forward)));
  b.conv_backward_data(spec, dy, w, h.output("dx", spec.in_count()),
                       h.workspace(b.conv_workspace_bytes(spec, ConvPass::backward_data)));
  b.conv_backward_weights(spec, x, dy, h.output("dw", spec.weight_count()),
                          h.workspace(b.conv_workspace_bytes(spec, ConvPass::backward_weights)));
}

enum class Affine { none, given };  // gamma and beta

void run_batch_norm(Harness& h, const BatchNormSpec& spec, double mean, double spread, Affine affine) {
  Backend& b = h.backend();
  const std::size_t channels = std::size_t(spec.channels);
  const std::vector<float> values = h.random_floats(spec.count(), mean - spread, mean + spread);
  const float* const x = h.upload(values);
  const float* const gamma = affine == Affine::given ? h.input(channels, 0.5, 1.5) : nullptr;
  const float* const beta = affine == Affine::given ? h.input(channels) : nullptr;
  float* const running_mean = h.output("running_mean", h.random_floats(channels));
  float* const running_var = h.output("running_var", h.random_floats(channels, 0.5, 2.0));
  b.batch_norm_statistics(spec, x, gamma, beta, running_mean, running_var,
                          BatchNormSaved::at(h.output("saved", 4 * channels), spec.channels),
                          h.workspace(b.batch_norm_workspace_bytes(spec)));
  // The backward pass starts from the same saved values on every backend.
  std::vector<float> saved(4 * channels);
  for (std::size_t c = 0; c < channels; ++c) {
    const double inv_std = std::sqrt(3.0) / spread;
    saved[c] = float(mean);
    saved[channels + c] = float(inv_std);
    saved[2 * channels + c] = float(0.7 * inv_std);
    saved[3 * channels + c] = float(-mean * 0.7 * inv_std);
  }
  const auto saved_in = BatchNormSaved::at(const_cast<float*>(h.upload(saved)), spec.channels);
  const std::vector<float> gradient = h.random_floats(spec.count(), -0.2, 1.0);
  const Workspace workspace = h.workspace(b.batch_norm_workspace_bytes(spec));
  b.batch_norm_backward(spec, x, h.upload(gradient), saved_in, h.output("dx", spec.count()),
                        affine == Affine::given ? h.output("dgamma", channels) : nullptr,
                        affine == Affine::given ? h.output("dbeta", channels) : nullptr, workspace);
  float* const in_place = h.output("dx in place of dy", gradient);
  b.batch_norm_backward(spec, x, in_place, saved_in, in_place, nullptr, nullptr, workspace);
  b.batch_norm_inference(spec, gamma, beta, h.input(channels), h.input(channels, 0.1, 2.0),
                         BatchNormSaved::at(h.output("inference", 4 * channels), spec.channels));
}

enum class Write { sum, activated, both };

void run_affine_sum(Harness& h, AffineSumSpec spec, Write write) {
  const std::size_t count = std::size_t(spec.rows) * std::size_t(spec.channels);
  for (int t = 0; t < spec.term_count; ++t) {
    AffineTerm& term = spec.terms[std::size_t(t)];
    term.x = h.input(count, -3.0, 3.0);
    if (t % 3 == 1) continue;  // as it is
    term.scale = h.input(std::size_t(spec.channels));
    term.shift = h.input(std::size_t(spec.channels));
  }
  h.backend().affine_sum(spec, write == Write::activated ? nullptr : h.output("sum", count),
                         write == Write::sum ? nullptr : h.output("activated", count));
}

// Values on a coarse grid: equal neighbours make ties.
std::vector<float> coarse(std::vector<float> values) {
  for (float& value : values) value = std::round(value * 4.0f) / 4.0f;
  return values;
}

void run_pool(Harness& h, const PoolSpec& spec, Store store) {
  Backend& b = h.backend();
  const float* const x = h.upload(coarse(h.random_floats(spec.in_count())));
  const float* const dy = h.input(spec.out_count());
  const std::vector<float> before = h.random_floats(spec.in_count());
  const auto gradient = [&](const char* name) {
    return store == Store::accumulate ? h.output(name, before) : h.output(name, spec.in_count());
  };
  b.avg_pool_forward(spec, x, h.output("average", spec.out_count()));
  b.avg_pool_backward(spec, dy, gradient("dx of average"), store);
  std::uint8_t* const index = h.output_u8("index", spec.out_count());
  b.max_pool_forward(spec, x, h.output("maximum", spec.out_count()), index);
  b.max_pool_backward(spec, index, dy, gradient("dx of maximum"), store);
}

struct Buffers {  // a flat buffer of ragged segments, with padding between them
  std::vector<SegmentBlock> blocks;
  int segments = 0;
  std::size_t count = 0;
};

Buffers ragged_buffers(const std::vector<int>& sizes) {
  Buffers result;
  for (const int size : sizes) {
    for (int done = 0; done < size; done += int(SegmentBlock::kBlockElements)) {
      const int block = std::min(size - done, int(SegmentBlock::kBlockElements));
      result.blocks.push_back({std::int64_t(result.count) + done, block, result.segments});
    }
    result.count += std::size_t(size + 15) / 16 * 16;
    ++result.segments;
  }
  return result;
}

void run_sgd(Harness& h, const Buffers& buffers, const SgdSpec& spec) {
  std::vector<SegmentState> states(std::size_t(buffers.segments));
  for (std::size_t s = 0; s < states.size(); ++s) states[s] = SegmentState(s % 3);
  float* const momentum = h.output("momentum", h.random_floats(buffers.count));
  float* const weights = h.output("weights", h.random_floats(buffers.count));
  const SegmentBlock* const blocks = h.upload(buffers.blocks);
  const SegmentState* const device_states = h.upload(states);
  for (int step = 0; step < 3; ++step)
    h.backend().sgd_step(spec, blocks, int(buffers.blocks.size()), device_states, h.input(buffers.count),
                         momentum, weights);
}

void run_augment(Harness& h, AugmentSpec spec, int reach) {
  spec.mean = {125.3f, 123.0f, 113.9f};
  spec.inv_std = {1.0f / 63.0f, 1.0f / 62.1f, 1.0f / 66.7f};
  const std::size_t count = std::size_t(spec.batch) * std::size_t(spec.height) * std::size_t(spec.width) * 3;
  std::vector<std::uint8_t> images(count);
  for (std::uint8_t& value : images) value = std::uint8_t(h.random().below(256));
  std::vector<AugmentParams> params(std::size_t(spec.batch));
  for (AugmentParams& p : params)
    p = {std::int16_t(int(h.random().below(std::uint32_t(2 * reach + 1))) - reach),
         std::int16_t(int(h.random().below(std::uint32_t(2 * reach + 1))) - reach),
         std::int16_t(h.random().below(2))};
  h.backend().augment_images(spec, h.upload(images), h.upload(params), h.output("y", count));
}

}  // namespace

std::vector<ConvSpec> conv_specs() {
  // {batch, in_channels, in_height, in_width, out_channels, kernel, stride, padding, dilation, groups}
  return {
      // of the NAS-Bench-201 SuperNet
      {5, 3, 32, 32, 16, 3, 1, 1, 1, 1},
      {3, 16, 32, 32, 16, 1, 1, 0, 1, 1},
      {18, 16, 16, 16, 16, 3, 1, 1, 1, 1},
      {3, 16, 32, 32, 32, 3, 2, 1, 1, 1},
      {40, 16, 16, 16, 32, 1, 1, 0, 1, 1},
      {1, 32, 16, 16, 32, 3, 1, 1, 1, 1},
      {17, 32, 8, 8, 64, 3, 2, 1, 1, 1},
      {64, 64, 4, 4, 64, 3, 1, 1, 1, 1},
      {9, 64, 8, 8, 64, 1, 1, 0, 1, 1},
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
}

std::vector<Case> conv_cases() {
  std::vector<Case> cases;
  for (const ConvSpec& s : conv_specs())
    cases.push_back({"conv",
                     text("conv batch", s.batch, "image", s.in_height, s.in_width, "channels", s.in_channels,
                          s.out_channels, "kernel", s.kernel, "stride", s.stride, "padding", s.padding,
                          "dilation", s.dilation, "groups", s.groups),
                     1e-5, [s](Harness& h) { run_conv(h, s); }});
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
                          {16385, 3}})
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
  for (const std::size_t count : {std::size_t{1}, std::size_t{7}, std::size_t{16384}, std::size_t{50001}})
    for (const Store store : kStores) {
      for (const Activation activation : kActivations)
        cases.push_back(
            {"activation_backward", text("activation", int(activation), "backward", count, name_of(store)),
             1e-7, [=](Harness& h) {
               std::vector<float> activated = h.random_floats(count, -3.0, 9.0);
               for (float& value : activated) {
                 if (activation != Activation::none) value = std::max(value, 0.0f);
                 if (activation == Activation::relu6) value = std::min(value, 6.0f);
               }
               h.backend().activation_backward(activation, count, h.upload(activated), h.input(count),
                                               h.output("dx", h.random_floats(count)), store);
             }});
      cases.push_back({"add", text("add", count, name_of(store)), 1e-7, [=](Harness& h) {
                         h.backend().add(count, h.input(count), h.output("y", h.random_floats(count)), store);
                       }});
      cases.push_back({"fill", text("fill", count), 0.0,
                       [=](Harness& h) { h.backend().fill(count, 1.25f, h.output("y", count)); }});
    }
  return cases;
}

std::vector<Case> pool_cases() {
  std::vector<Case> cases;
  struct Window {
    int kernel, stride, padding;
  };
  struct Image {
    int batch, channels, height, width;
  };
  for (const Window window : {Window{3, 1, 1}, {2, 2, 0}, {3, 2, 1}, {3, 1, 0}, {5, 3, 2}, {1, 1, 0}})
    for (const Image image : {Image{1, 1, 1, 1},
                              {3, 5, 1, 6},
                              {5, 16, 2, 2},
                              {40, 3, 4, 4},
                              {3, 24, 7, 3},
                              {2, 40, 9, 8},
                              {3, 64, 8, 8},
                              {1, 96, 6, 5},
                              {64, 16, 8, 8}}) {
      if (std::min(image.height, image.width) + 2 * window.padding < window.kernel) continue;
      for (const Store store : kStores) {
        const PoolSpec spec{image.batch,   image.channels, image.height,  image.width,
                            window.kernel, window.stride,  window.padding};
        cases.push_back(
            {"pool",
             text("pool", spec.kernel, "stride", spec.stride, "padding", spec.padding, "batch", spec.batch,
                  "image", spec.in_height, spec.in_width, "channels", spec.channels, name_of(store)),
             1e-6, [=](Harness& h) { run_pool(h, spec, store); }});
      }
    }
  for (const Image image : {Image{1, 1, 1, 1}, {3, 5, 7, 7}, {64, 64, 8, 8}, {40, 24, 4, 4}, {5, 96, 1, 3}})
    cases.push_back(
        {"global_avg_pool", text("global pool", image.batch, image.height, image.width, image.channels), 1e-6,
         [=](Harness& h) {
           const int pixels = image.height * image.width;
           const std::size_t out = std::size_t(image.batch * image.channels);
           const std::size_t in = out * std::size_t(pixels);
           Backend& b = h.backend();
           b.global_avg_pool_forward(image.batch, pixels, image.channels, h.input(in), h.output("y", out));
           b.global_avg_pool_backward(image.batch, pixels, image.channels, h.input(out), h.output("dx", in));
         }});
  return cases;
}

std::vector<Case> head_cases() {
  std::vector<Case> cases;
  for (const LinearSpec spec :
       {LinearSpec{1, 1, 1}, {3, 5, 3}, {64, 64, 10}, {40, 24, 5}, {5, 67, 121}, {64, 320, 200}})
    for (const Affine bias : {Affine::none, Affine::given})
      cases.push_back({"linear",
                       text("linear", spec.batch, spec.in_features, spec.out_features,
                            bias == Affine::given ? "bias" : ""),
                       2e-6, [=](Harness& h) {
                         const std::size_t n = std::size_t(spec.batch), in = std::size_t(spec.in_features),
                                           out = std::size_t(spec.out_features);
                         Backend& b = h.backend();
                         const float *x = h.input(n * in), *w = h.input(in * out), *dy = h.input(n * out);
                         const bool has_bias = bias == Affine::given;
                         b.linear_forward(spec, x, w, has_bias ? h.input(out) : nullptr,
                                          h.output("y", n * out));
                         b.linear_backward_data(spec, dy, w, h.output("dx", n * in));
                         b.linear_backward_weights(spec, x, dy, h.output("dw", in * out),
                                                   has_bias ? h.output("dbias", out) : nullptr);
                       }});
  for (const CrossEntropySpec spec : {CrossEntropySpec{1, 1, 0.0f},
                                      {3, 5, 0.1f},
                                      {64, 10, 0.0f},
                                      {40, 10, 0.1f},
                                      {257, 100, 0.1f},
                                      {64, 1000, 0.1f},
                                      {5000, 3, 0.0f}})
    cases.push_back({"cross_entropy", text("cross entropy", spec.batch, spec.classes, spec.label_smoothing),
                     1e-6, [=](Harness& h) {
                       const std::size_t count = std::size_t(spec.batch) * std::size_t(spec.classes);
                       std::vector<float> logits = h.random_floats(count, -20.0, 20.0);
                       logits[0] = 90.0f;
                       std::vector<std::int32_t> labels(std::size_t(spec.batch));
                       for (std::int32_t& label : labels)
                         label = std::int32_t(h.random().below(std::uint32_t(spec.classes)));
                       const float* const device_logits = h.upload(logits);
                       const std::int32_t* const device_labels = h.upload(labels);
                       h.backend().cross_entropy(spec, device_logits, device_labels,
                                                 h.output("dlogits", count), h.output_loss_sums("sums"));
                       h.backend().cross_entropy(spec, device_logits, device_labels, nullptr,
                                                 h.output_loss_sums("sums without gradient"));
                     }});
  return cases;
}

std::vector<Case> buffer_cases() {
  std::vector<Case> cases;
  const std::vector<std::vector<int>> tables = {
      {1}, {16, 1, 17}, {8191, 8192, 8193, 3}, {432, 256, 2304, 9216, 36864, 5, 20000, 64, 7, 640}};
  for (const std::vector<int>& sizes : tables) {
    const Buffers buffers = ragged_buffers(sizes);
    for (const SgdSpec spec :
         {SgdSpec{0.025f, 0.9f, 5e-4f, true}, {0.1f, 0.9f, 3e-4f, false}, {0.5f, 0.0f, 0.0f, false}})
      cases.push_back({"sgd_step", text("sgd", buffers.count, "lr", spec.learning_rate), 1e-6,
                       [=](Harness& h) { run_sgd(h, buffers, spec); }});
    cases.push_back(
        {"angle_sums", text("angle sums", buffers.count), 1e-12, [=](Harness& h) {
           Backend& b = h.backend();
           const int count = int(buffers.blocks.size()), segments = buffers.segments + 2;  // two empty
           b.angle_sums(h.upload(buffers.blocks), count, segments, h.input(buffers.count),
                        h.input(buffers.count, -0.5, 1.0), h.output_angle_sums("sums", std::size_t(segments)),
                        h.workspace(b.angle_sums_workspace_bytes(count)));
         }});
  }
  return cases;
}

std::vector<Case> augment_cases() {
  std::vector<Case> cases;
  struct Image {
    int batch, size_h, size_w, reach;
  };
  for (const Image image : {Image{1, 1, 1, 0}, {3, 1, 1, 2}, {64, 32, 32, 4}, {40, 16, 16, 2}, {5, 7, 5, 9}})
    cases.push_back({"augment",
                     text("augment", image.batch, image.size_h, image.size_w, "shift", image.reach), 1e-6,
                     [=](Harness& h) {
                       AugmentSpec spec;
                       spec.batch = image.batch;
                       spec.height = image.size_h;
                       spec.width = image.size_w;
                       run_augment(h, spec, image.reach);
                     }});
  return cases;
}

std::vector<Case> all_cases() {
  std::vector<Case> all;
  for (const auto& family : {conv_cases(), batch_norm_cases(), elementwise_cases(), pool_cases(),
                             head_cases(), buffer_cases(), augment_cases()})
    all.insert(all.end(), family.begin(), family.end());
  return all;
}

}  // namespace rlnas::test
