// Pooling, rearranging, classifier, loss, optimiser, angle and augmentation cases.
#include <algorithm>
#include <cmath>

#include "kernels/angle_pieces.h"
#include "tests/kernels/case_names.h"
#include "tests/kernels/case_table.h"

namespace rlnas::test {
namespace {

enum class Bias { none, given };

// Values on a coarse grid: equal neighbours make ties.
std::vector<float> coarse(std::vector<float> values) {
  for (float& value : values) value = std::round(value * 4.0f) / 4.0f;
  return values;
}

void run_pool(Harness& h, const PoolSpec& spec, Store store) {
  const ConstValues x = h.values(spec.in_count()), dy = h.values(spec.out_count());
  const ConstValues with_ties = h.upload_values(coarse(h.random_floats(spec.in_count())));
  const std::vector<float> before = h.random_floats(spec.in_count());
  const auto gradient = [&](const char* name) {
    return store == Store::accumulate ? h.output_values(name, before)
                                      : h.output_values(name, spec.in_count());
  };
  h.run(AvgPoolForward{.spec = spec, .x = x, .y = h.output_values("average", spec.out_count())});
  h.run(AvgPoolBackward{.spec = spec, .dy = dy, .dx = gradient("dx of average"), .store = store});
  std::uint8_t* const index = h.output_u8("index", spec.out_count());
  h.run(MaxPoolForward{
      .spec = spec, .x = with_ties, .y = h.output_values("maximum", spec.out_count()), .index = index});
  h.run(MaxPoolBackward{
      .spec = spec, .index = index, .dy = dy, .dx = gradient("dx of maximum"), .store = store});
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

void run_angle_sums(Harness& h, const Buffers& buffers, int checkpoints) {
  const int segments = buffers.segments + 2;  // two empty
  const AnglePieceTables tables = angle_pieces(buffers.blocks, segments);
  TakeAngleSums call{.blocks = h.upload(buffers.blocks),
                     .block_count = int(buffers.blocks.size()),
                     .pieces = {.pieces = h.upload(tables.pieces),
                                .piece_count = int(tables.pieces.size()),
                                .spans = h.upload(tables.spans),
                                .span_count = int(tables.spans.size())},
                     .segment_count = segments,
                     .w0 = h.input(buffers.count),
                     .checkpoint_count = checkpoints,
                     .sums = h.output_angle_sums("sums", std::size_t(checkpoints * segments))};
  for (int c = 0; c < checkpoints; ++c) call.w1[std::size_t(c)] = h.input(buffers.count, -0.5, 1.0);
  h.run(call);
}

constexpr int kSegmentStates = int(SegmentState::coasting_undecayed) + 1;

// Every state in turn, the first block sampled.
std::vector<SegmentState> states_of(const Buffers& buffers) {
  std::vector<SegmentState> states(std::size_t(buffers.segments));
  for (std::size_t s = 0; s < states.size(); ++s) states[s] = SegmentState((s + 1) % kSegmentStates);
  return states;
}

// max_norm: of the gradient, before each step; 0: it is not clipped by norm.
void run_sgd(Harness& h, const Buffers& buffers, SgdSpec spec, float max_norm) {
  const std::vector<SegmentState> states = states_of(buffers);
  float* const momentum = h.output("momentum", h.random_floats(buffers.count));
  float* const weights = h.output("weights", h.random_floats(buffers.count));
  const SegmentBlock* const blocks = h.upload(buffers.blocks);
  const SegmentState* const device_states = h.upload(states);
  const int count = int(buffers.blocks.size());
  GradientNorm* const norm = max_norm > 0.0f ? h.output_gradient_norm("norm") : nullptr;
  spec.clip.norm = norm;
  for (int step = 0; step < 3; ++step) {
    const float* const gradient = h.input(buffers.count);
    if (norm != nullptr)
      h.run(TakeGradientNorm{.blocks = blocks,
                             .block_count = count,
                             .states = device_states,
                             .gradient = gradient,
                             .max_norm = max_norm,
                             .norm = norm});
    h.run(SgdStep{.spec = spec,
                  .blocks = blocks,
                  .block_count = count,
                  .states = device_states,
                  .gradient = gradient,
                  .momentum = momentum,
                  .weights = weights});
  }
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
         std::int16_t(h.random().below(2)), std::int16_t(h.random().below(std::uint32_t(spec.height))),
         std::int16_t(h.random().below(std::uint32_t(spec.width)))};
  h.run(AugmentImages{.spec = spec,
                      .images = h.upload(images),
                      .params = h.upload(params),
                      .y = h.output_values("y", count)});
}

}  // namespace

std::vector<Case> pool_cases() {
  std::vector<Case> cases;
  struct Window {
    int kernel, stride, padding;
  };
  struct Image {
    int batch, channels, height, width;
  };
  for (const Window window :
       {Window{3, 1, 1}, {2, 2, 0}, {3, 2, 1}, {3, 1, 0}, {5, 3, 2}, {1, 1, 0}, {5, 2, 0}, {5, 3, 0}})
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
    cases.push_back({"global_avg_pool",
                     text("global pool", image.batch, image.height, image.width, image.channels), 1e-6,
                     [=](Harness& h) {
                       const int pixels = image.height * image.width;
                       const std::size_t out = std::size_t(image.batch * image.channels);
                       const std::size_t in = out * std::size_t(pixels);
                       h.run(GlobalAvgPoolForward{.batch = image.batch,
                                                  .pixels = pixels,
                                                  .channels = image.channels,
                                                  .x = h.values(in),
                                                  .y = h.output("y", out)});
                       h.run(GlobalAvgPoolBackward{.batch = image.batch,
                                                   .pixels = pixels,
                                                   .channels = image.channels,
                                                   .dy = h.input(out),
                                                   .dx = h.output_values("dx", in)});
                     }});
  return cases;
}

std::vector<Case> rearrange_cases() {
  std::vector<Case> cases;
  for (const ChannelCopySpec spec : {ChannelCopySpec{1, 1, 1, 1},
                                     {37, 3, 5, 12},
                                     {1000, 16, 64, 16},
                                     {1000, 16, 16, 64},
                                     {257, 24, 96, 40},
                                     {2049, 8, 16, 8},
                                     {300, 20, 21, 80},
                                     {64, 192, 192, 768}})
    for (const Store store : kStores)
      cases.push_back({"copy_channels",
                       text("copy channels", spec.rows, "x", spec.channels, "of", spec.from_stride, "to",
                            spec.to_stride, name_of(store)),
                       1e-7, [=](Harness& h) {
                         // The last range of both rows, so that neither its start nor its end is the
                         // matrix's.
                         const std::size_t rows = std::size_t(spec.rows);
                         const ConstValues x = h.values(rows * std::size_t(spec.from_stride));
                         const Values y =
                             h.output_values("y", h.random_floats(rows * std::size_t(spec.to_stride)));
                         h.run(CopyChannels{.spec = spec,
                                            .x = x + (spec.from_stride - spec.channels),
                                            .y = y + (spec.to_stride - spec.channels),
                                            .store = store});
                       }});
  for (const ChannelShuffleSpec spec : {ChannelShuffleSpec{1, 1, 1},
                                        {37, 6, 3},
                                        {1000, 16, 4},
                                        {1000, 16, 16},
                                        {257, 64, 4},
                                        {300, 96, 24},
                                        {65, 20, 1}})
    for (const Store store : kStores)
      cases.push_back({"shuffle_channels",
                       text("shuffle channels", spec.rows, "x", spec.channels, "in", spec.groups, "groups",
                            name_of(store)),
                       1e-7, [=](Harness& h) {
                         h.run(ShuffleChannels{.spec = spec,
                                               .x = h.values(spec.count()),
                                               .y = h.output_values("y", h.random_floats(spec.count())),
                                               .store = store});
                         h.run(ShuffleChannels{.spec = spec.inverse(),
                                               .x = h.values(spec.count()),
                                               .y = h.output_values("x", h.random_floats(spec.count())),
                                               .store = store});
                       }});
  for (const SubsampleSpec spec : {SubsampleSpec{1, 1, 1, 1, 2, 0},
                                   {3, 5, 6, 4, 2, 0},
                                   {3, 5, 6, 4, 2, 1},
                                   {2, 16, 8, 8, 2, 1},
                                   {5, 24, 7, 9, 2, 0},
                                   {5, 24, 7, 9, 2, 1},
                                   {64, 64, 8, 8, 2, 1},
                                   {2, 40, 7, 10, 3, 2}})
    for (const Store store : kStores)
      cases.push_back(
          {"subsample",
           text("subsample", spec.batch, spec.in_height, spec.in_width, spec.channels, "stride", spec.stride,
                "from", spec.offset, name_of(store)),
           1e-7, [=](Harness& h) {
             h.run(SubsampleForward{
                 .spec = spec, .x = h.values(spec.in_count()), .y = h.output_values("y", spec.out_count())});
             h.run(SubsampleBackward{.spec = spec,
                                     .dy = h.values(spec.out_count()),
                                     .dx = h.output_values("dx", h.random_floats(spec.in_count())),
                                     .store = store});
           }});
  return cases;
}

std::vector<Case> head_cases() {
  std::vector<Case> cases;
  for (const LinearSpec spec :
       {LinearSpec{1, 1, 1}, {3, 5, 3}, {64, 64, 10}, {40, 24, 5}, {5, 67, 121}, {64, 320, 200}})
    for (const Bias bias : {Bias::none, Bias::given})
      cases.push_back(
          {"linear",
           text("linear", spec.batch, spec.in_features, spec.out_features, bias == Bias::given ? "bias" : ""),
           2e-6, [=](Harness& h) {
             const std::size_t n = std::size_t(spec.batch), in = std::size_t(spec.in_features),
                               out = std::size_t(spec.out_features);
             const float *x = h.input(n * in), *w = h.input(in * out), *dy = h.input(n * out);
             const bool has_bias = bias == Bias::given;
             h.run(LinearForward{.spec = spec,
                                 .x = x,
                                 .w = w,
                                 .bias = has_bias ? h.input(out) : nullptr,
                                 .y = h.output("y", n * out)});
             h.run(LinearBackwardData{.spec = spec, .dy = dy, .w = w, .dx = h.output("dx", n * in)});
             h.run(LinearBackwardWeights{.spec = spec,
                                         .x = x,
                                         .dy = dy,
                                         .dw = h.output("dw", in * out),
                                         .dbias = has_bias ? h.output("dbias", out) : nullptr});
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
                       h.run(CrossEntropy{.spec = spec,
                                          .logits = device_logits,
                                          .labels = device_labels,
                                          .dlogits = h.output("dlogits", count),
                                          .sums = h.output_loss_sums("sums")});
                       h.run(CrossEntropy{.spec = spec,
                                          .logits = device_logits,
                                          .labels = device_labels,
                                          .sums = h.output_loss_sums("sums without gradient")});
                     }});
  return cases;
}

std::vector<Case> buffer_cases() {
  std::vector<Case> cases;
  for (const std::size_t count : {std::size_t{1}, std::size_t{13}, std::size_t{4096}, std::size_t{20001}})
    cases.push_back({"round_weights", text("round weights", count), 0.0,
                     [=](Harness& h) {
                       std::vector<float> weights = h.random_floats(count, -2.0, 2.0);
                       weights[0] = 1.00390625f;  // half way: to even
                       h.run(RoundWeights{.count = count,
                                          .weights = h.upload(weights),
                                          .rounded = h.output_bf16("rounded", count)});
                     },
                     0.0});
  const std::vector<std::vector<int>> tables = {
      {1}, {16, 1, 17}, {8191, 8192, 8193, 3}, {432, 256, 2304, 9216, 36864, 5, 20000, 64, 7, 640}};
  for (const std::vector<int>& sizes : tables) {
    const Buffers buffers = ragged_buffers(sizes);
    for (const SgdSpec spec :
         {SgdSpec{0.025f, 0.9f, 5e-4f, true}, {0.1f, 0.9f, 3e-4f, false}, {0.5f, 0.0f, 0.0f, false}})
      cases.push_back({"sgd_step", text("sgd", buffers.count, "lr", spec.learning_rate), 1e-6,
                       [=](Harness& h) { run_sgd(h, buffers, spec, 0.0f); }});
    SgdSpec by_element{0.1f, 0.9f, 4e-5f, false};
    by_element.clip.limit = 0.25f;
    cases.push_back({"sgd_step", text("sgd", buffers.count, "clipped by element"), 1e-6,
                     [=](Harness& h) { run_sgd(h, buffers, by_element, 0.0f); }});
    for (const float max_norm : {1.0f, 1e6f})  // clips, and does not
      cases.push_back(
          {"gradient_norm", text("sgd", buffers.count, "clipped to norm", max_norm), 1e-6, [=](Harness& h) {
             run_sgd(h, buffers, {0.1f, 0.9f, 3e-4f, false}, max_norm);
           }});
    for (const int checkpoints : {1, 3, TakeAngleSums::kMaxCheckpoints})
      cases.push_back({"angle_sums", text("angle sums", buffers.count, "of", checkpoints), 1e-12,
                       [=](Harness& h) { run_angle_sums(h, buffers, checkpoints); }});
  }
  return cases;
}

std::vector<Case> augment_cases() {
  std::vector<Case> cases;
  struct Image {
    int batch, size_h, size_w, reach, cutout = 0;
  };
  for (const Image image : {Image{1, 1, 1, 0},
                            {3, 1, 1, 2},
                            {64, 32, 32, 4},
                            {40, 16, 16, 2},
                            {5, 7, 5, 9},
                            {9, 32, 32, 4, 16},
                            {5, 7, 5, 1, 4},
                            {2, 1, 1, 0, 2}})
    cases.push_back({"augment",
                     text("augment", image.batch, image.size_h, image.size_w, "shift", image.reach, "cutout",
                          image.cutout),
                     1e-6, [=](Harness& h) {
                       AugmentSpec spec;
                       spec.batch = image.batch;
                       spec.height = image.size_h;
                       spec.width = image.size_w;
                       spec.cutout = image.cutout;
                       run_augment(h, spec, image.reach);
                     }});
  return cases;
}

}  // namespace rlnas::test
