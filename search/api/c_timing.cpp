// rlnas.h: what one primitive costs and takes. Each primitive of the table has its call_of(), which makes
// operands for a shape: a new one without does not compile.
#include <nlohmann/json.hpp>

#include "rlnas/kernels.hpp"
#include "search/api/c_support.h"
#include "search/api/timing_operands.h"

using namespace rlnas::c;
using namespace rlnas;

namespace {

template <class P>
P call_of(Bench&, const rlnas_shape&) = delete;

template <>
ConvForward call_of(Bench& b, const rlnas_shape& s) {
  const ConvSpec c = conv_of(s);
  return {c, b.floats(c.in_count()), b.floats(c.weight_count()), b.floats(c.out_count())};
}
template <>
ConvBackwardData call_of(Bench& b, const rlnas_shape& s) {
  const ConvSpec c = conv_of(s);
  return {c, b.floats(c.out_count()), b.floats(c.weight_count()), b.floats(c.in_count())};
}
template <>
ConvBackwardWeights call_of(Bench& b, const rlnas_shape& s) {
  const ConvSpec c = conv_of(s);
  return {c, b.floats(c.in_count()), b.floats(c.out_count()), b.floats(c.weight_count())};
}
template <>
ConvNormForward call_of(Bench& b, const rlnas_shape& s) {
  const ConvNormSpec c = conv_norm_of(s);
  const int k = c.conv.out_channels;
  return {.spec = c,
          .x = b.floats(c.conv.in_count()),
          .w = b.floats(c.conv.weight_count()),
          .y = b.floats(c.conv.out_count()),
          .running_mean = b.floats(k),
          .running_var = b.floats(k),
          .saved = b.saved(k)};
}
template <>
ConvNormBackward call_of(Bench& b, const rlnas_shape& s) {
  const ConvNormSpec c = conv_norm_of(s);
  return {.spec = c,
          .x = b.floats(c.conv.in_count()),
          .w = b.floats(c.conv.weight_count()),
          .y = b.floats(c.conv.out_count()),
          .saved = b.saved(c.conv.out_channels),
          .dz = b.floats(c.conv.out_count()),
          .dw = b.floats(c.conv.weight_count()),
          .dx = b.floats(c.conv.in_count())};
}
template <>
BatchNormStatistics call_of(Bench& b, const rlnas_shape& s) {
  return {.spec = norm_of(s),
          .x = b.floats(count_of(s)),
          .running_mean = b.floats(s.channels),
          .running_var = b.floats(s.channels),
          .saved = b.saved(s.channels)};
}
template <>
BatchNormBackward call_of(Bench& b, const rlnas_shape& s) {
  return {.spec = norm_of(s),
          .x = b.floats(count_of(s)),
          .dy = b.floats(count_of(s)),
          .saved = b.saved(s.channels),
          .dx = b.floats(count_of(s))};
}
template <>
BatchNormInference call_of(Bench& b, const rlnas_shape& s) {
  const std::vector<float> ones(std::size_t(s.channels), 1.0f);
  return {.spec = norm_of(s),
          .running_mean = b.floats(s.channels),
          .running_var = b.array(ones),
          .saved = b.saved(s.channels)};
}
template <>
AffineSum call_of(Bench& b, const rlnas_shape& s) {
  AffineSumSpec sum{.rows = norm_of(s).rows,
                    .channels = s.channels,
                    .height = s.height,
                    .width = s.width,
                    .term_count = 2,
                    .activation = Activation::relu};
  for (AffineTerm& term : std::span(sum.terms).first(2))
    term = {b.floats(count_of(s)), b.floats(s.channels), b.floats(s.channels)};
  return {.spec = sum, .activated = b.floats(count_of(s))};
}
template <>
ActivationBackward call_of(Bench& b, const rlnas_shape& s) {
  const std::size_t n = count_of(s);
  return {Activation::relu, n, b.floats(n), b.floats(n), b.floats(n)};
}
template <>
Add call_of(Bench& b, const rlnas_shape& s) {
  const std::size_t n = count_of(s);
  return {n, b.floats(n), b.floats(n), Store::accumulate};
}
template <>
Fill call_of(Bench& b, const rlnas_shape& s) {
  return {count_of(s), 0.5f, b.floats(count_of(s))};
}
template <>
ScaleRows call_of(Bench& b, const rlnas_shape& s) {
  const RowScaleSpec rows{s.batch, std::int64_t(pixels_of(s)) * s.channels};
  return {rows, b.floats(s.batch), b.floats(rows.count()), b.floats(rows.count())};
}
template <>
ChannelDots call_of(Bench& b, const rlnas_shape& s) {
  return {norm_of(s).rows, s.channels, b.floats(count_of(s)), b.floats(count_of(s)), b.floats(s.channels)};
}
template <>
CopyChannels call_of(Bench& b, const rlnas_shape& s) {
  const int copied = s.out_channels == 0 ? s.channels : s.out_channels;
  RLNAS_CHECK(copied <= s.channels, usage, "a copy of ", copied, " of ", s.channels, " channels");
  const ChannelCopySpec range{norm_of(s).rows, copied, s.channels, copied};
  return {range, b.floats(count_of(s)), b.floats(std::size_t(range.rows) * std::size_t(copied))};
}
template <>
ShuffleChannels call_of(Bench& b, const rlnas_shape& s) {
  RLNAS_CHECK(s.channels % s.groups == 0, usage, s.channels, " channels in ", s.groups, " groups");
  return {{norm_of(s).rows, s.channels, s.groups}, b.floats(count_of(s)), b.floats(count_of(s))};
}
template <>
SubsampleForward call_of(Bench& b, const rlnas_shape& s) {
  const SubsampleSpec picked = subsample_of(s);
  return {picked, b.floats(picked.in_count()), b.floats(picked.out_count())};
}
template <>
SubsampleBackward call_of(Bench& b, const rlnas_shape& s) {
  const SubsampleSpec picked = subsample_of(s);
  return {picked, b.floats(picked.out_count()), b.floats(picked.in_count())};
}
template <>
AvgPoolForward call_of(Bench& b, const rlnas_shape& s) {
  const PoolSpec p = pool_of(s);
  return {p, b.floats(p.in_count()), b.floats(p.out_count())};
}
template <>
AvgPoolBackward call_of(Bench& b, const rlnas_shape& s) {
  const PoolSpec p = pool_of(s);
  return {p, b.floats(p.out_count()), b.floats(p.in_count())};
}
template <>
MaxPoolForward call_of(Bench& b, const rlnas_shape& s) {
  const PoolSpec p = pool_of(s);
  return {p, b.floats(p.in_count()), b.floats(p.out_count()), b.room<std::uint8_t>(p.out_count())};
}
template <>
MaxPoolBackward call_of(Bench& b, const rlnas_shape& s) {
  const auto forward = call_of<MaxPoolForward>(b, s);  // for winners that lie inside the image
  b.device().run(forward);
  return {forward.spec, forward.index, b.floats(forward.spec.out_count()), b.floats(forward.spec.in_count())};
}
template <>
GlobalAvgPoolForward call_of(Bench& b, const rlnas_shape& s) {
  return {s.batch, int(pixels_of(s)), s.channels, b.floats(count_of(s)), b.floats(s.batch * s.channels)};
}
template <>
GlobalAvgPoolBackward call_of(Bench& b, const rlnas_shape& s) {
  return {s.batch, int(pixels_of(s)), s.channels, b.floats(s.batch * s.channels), b.floats(count_of(s))};
}

// [N,F], [N,O] and [O,F] of a linear layer.
struct LinearCounts {
  explicit LinearCounts(const LinearSpec& s)
      : x(std::size_t(s.batch) * std::size_t(s.in_features)),
        y(std::size_t(s.batch) * std::size_t(s.out_features)),
        w(std::size_t(s.in_features) * std::size_t(s.out_features)) {}
  std::size_t x, y, w;
};
template <>
LinearForward call_of(Bench& b, const rlnas_shape& s) {
  const LinearSpec l = linear_of(s);
  const LinearCounts n(l);
  return {l, b.floats(n.x), b.floats(n.w), b.floats(l.out_features), b.floats(n.y)};
}
template <>
LinearBackwardData call_of(Bench& b, const rlnas_shape& s) {
  const LinearSpec l = linear_of(s);
  const LinearCounts n(l);
  return {l, b.floats(n.y), b.floats(n.w), b.floats(n.x)};
}
template <>
LinearBackwardWeights call_of(Bench& b, const rlnas_shape& s) {
  const LinearSpec l = linear_of(s);
  const LinearCounts n(l);
  return {l, b.floats(n.x), b.floats(n.y), b.floats(n.w), b.floats(l.out_features)};
}
template <>
CrossEntropy call_of(Bench& b, const rlnas_shape& s) {
  const std::vector<std::int32_t> labels(std::size_t(s.batch), 0);
  return {.spec = {.batch = s.batch, .classes = s.channels},
          .logits = b.floats(s.batch * s.channels),
          .labels = b.array(labels),
          .dlogits = b.floats(s.batch * s.channels),
          .sums = b.room<LossSums>(1)};
}
template <>
TakeGradientNorm call_of(Bench& b, const rlnas_shape& s) {
  const WeightBuffer buffer(b, s);
  return {buffer.blocks, buffer.block_count, buffer.states, buffer.floats(b), 1.0f, b.room<GradientNorm>(1)};
}
template <>
SgdStep call_of(Bench& b, const rlnas_shape& s) {
  const WeightBuffer buffer(b, s);
  return {.spec = {.learning_rate = 1e-3f, .weight_decay = 5e-4f, .nesterov = true},
          .blocks = buffer.blocks,
          .block_count = buffer.block_count,
          .states = buffer.states,
          .gradient = buffer.floats(b),
          .momentum = buffer.floats(b),
          .weights = buffer.floats(b)};
}
template <>
TakeAngleSums call_of(Bench& b, const rlnas_shape& s) {
  const SegmentTable segments = segments_of(s);
  TakeAngleSums call = b.angles(segments).call();
  call.w0 = b.floats(std::size_t(segments.buffer_count()));
  call.w1[0] = b.floats(std::size_t(segments.buffer_count()));
  call.sums = b.room<AngleSums>(std::size_t(segments.size()));
  return call;
}
template <>
RoundWeights call_of(Bench& b, const rlnas_shape& s) {
  return {count_of(s), b.floats(count_of(s)), b.room<Bf16>(count_of(s))};
}
template <>
AugmentImages call_of(Bench& b, const rlnas_shape& s) {
  const std::size_t n = std::size_t(s.batch) * pixels_of(s) * std::size_t(AugmentSpec::kChannels);
  std::vector<AugmentParams> params(std::size_t(s.batch));
  for (std::size_t i = 0; i < params.size(); ++i)
    params[i] = {.shift_y = std::int16_t(i % 9 - 4), .shift_x = std::int16_t(i % 7 - 3), .flip = i % 2 == 1};
  return {{s.batch, s.height, s.width, {128.0f, 128.0f, 128.0f}, {0.01f, 0.01f, 0.01f}},
          b.array(std::vector<std::uint8_t>(n, 100)),
          b.array(params),
          b.floats(n)};
}

// ---- timing

// Blocks of the weight buffer are not all full, which the plain cost() takes them to be.
template <class P>
RecordedCall cost_of(const P& call, const rlnas_shape& s) {
  if constexpr (requires { call.cost(BufferElements{}); })
    return call.cost(BufferElements{.sampled = count_of(s)});
  else
    return call.cost();
}

template <class P>
rlnas_timing timing_of(Bench& bench, const rlnas_shape& shape, int repeats) {
  const P call = call_of<P>(bench, shape);
  std::vector<double> times = kernels::times_ms(bench.device(), call, repeats);
  std::ranges::sort(times);
  const RecordedCall cost = cost_of(call, shape);
  rlnas_timing timing = RLNAS_INIT(rlnas_timing);
  timing.min_ms = times.front();
  timing.median_ms = times[times.size() / 2];
  timing.flops = cost.flops;
  timing.bytes = cost.bytes;
  return timing;
}

struct Timed {
  const char* name;
  rlnas_timing (*time)(Bench&, const rlnas_shape&, int repeats);
};

#define RLNAS_TIMED(P) {P::kName, timing_of<P>},
constexpr Timed kTimed[] = {RLNAS_PRIMITIVES(RLNAS_TIMED)};
#undef RLNAS_TIMED

// With the defaults of what was left out. Errors: usage for what is no shape.
rlnas_shape complete(rlnas_shape s) {
  for (std::int32_t* one : {&s.kernel, &s.stride, &s.dilation, &s.groups, &s.height, &s.width})
    if (*one == 0) *one = 1;
  constexpr std::int32_t kLargest = 1 << 20;
  for (const std::int32_t size :
       {s.batch, s.channels, s.height, s.width, s.kernel, s.stride, s.dilation, s.groups})
    RLNAS_CHECK(size > 0 && size <= kLargest, usage, "a shape with a size of ", size);
  RLNAS_CHECK(s.padding >= 0 && s.padding <= kLargest && s.out_channels >= 0 && s.out_channels <= kLargest,
              usage, "a shape with a negative size");
  // Sizes and their products are ints in some of the specs.
  RLNAS_CHECK(double(s.batch) * s.channels * s.height * s.width < 2e9 &&
                  double(s.batch) * s.height * s.width * AugmentSpec::kChannels < 2e9 &&
                  double(s.channels) * s.height * s.width * s.out_channels < 1e10,
              usage, "a shape of more than 2e9 floats");
  return s;
}

}  // namespace

rlnas_status rlnas_primitives(char** json) {
  return guarded([&] {
    nlohmann::ordered_json names = nlohmann::ordered_json::array();
    for (const Timed& one : kTimed) names.push_back(one.name);
    give(names.dump(), json);
  });
}

rlnas_status rlnas_time_primitive(const char* primitive, const rlnas_shape* shape, const char* device,
                                  std::int32_t threads, std::int32_t repeats, rlnas_timing* timing) {
  return guarded([&] {
    const std::string name = required_text(primitive, "primitive"), on = text_of(device);
    RLNAS_CHECK(repeats > 0, usage, repeats, " repeats");
    const auto one = std::ranges::find_if(kTimed, [&](const Timed& timed) { return name == timed.name; });
    RLNAS_CHECK(one != std::end(kTimed), usage, "no primitive '", name, "': see rlnas_primitives");
    Bench bench(kernels::Device({.name = on.empty() ? "auto" : on, .threads = threads}));
    put(one->time(bench, complete(taken(&required(shape, "shape"))), repeats), &required(timing, "timing"));
  });
}
