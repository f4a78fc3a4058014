// rlnas.h: angles of float arrays, and what one primitive costs and takes.
#include <deque>
#include <nlohmann/json.hpp>

#include "rlnas/kernels.hpp"
#include "search/api/c_support.h"

using namespace rlnas::c;
using namespace rlnas;
using kernels::Device;

rlnas_status rlnas_angle_sums(const float* w0, const float* w1, const std::int64_t* offsets,
                              const std::int64_t* counts, std::size_t tensors, double* sums) {
  return guarded([&] {
    std::vector<kernels::TensorSpan> spans;
    for (std::size_t t = 0; t < tensors; ++t)
      spans.push_back({(&required(offsets, "offsets"))[t], (&required(counts, "counts"))[t]});
    if (spans.empty()) return;
    const Device device({.name = "cpu"});
    const std::vector<AngleSums> found =
        kernels::AngleTable(device, spans).sums(&required(w0, "w0"), &required(w1, "w1"));
    double* next = &required(sums, "sums");
    for (const AngleSums& one : found) {
      *next++ = one.dot;
      *next++ = one.norm0_sq;
      *next++ = one.norm1_sq;
    }
  });
}

double rlnas_angle_of_sums(const double sums[3]) {
  return sums == nullptr ? 0.0 : kernels::angle_rad({sums[0], sums[1], sums[2]});
}

// ---- timing

namespace {

// Operands of a call, and its times.
class Bench {
 public:
  Bench(const Device& device, int repeats) : device_(device), repeats_(repeats) {}

  // Values that no multiplication makes subnormal or infinite.
  float* floats(std::size_t count) {
    std::vector<float> values(count);
    std::uint32_t state = std::uint32_t(buffers_.size()) + 1;
    for (float& value : values) {
      state = state * 1664525u + 1013904223u;
      value = float(std::int32_t(state >> 8) - (1 << 23)) / float(1 << 23);
    }
    return static_cast<float*>(bytes(values.data(), values.size() * sizeof(float)));
  }
  void* bytes(const void* host, std::size_t count) {
    buffers_.emplace_back(device_, count);
    if (host != nullptr) buffers_.back().upload(host, count);
    return buffers_.back().as<void>();
  }
  std::uint8_t* room(std::size_t count) { return static_cast<std::uint8_t*>(bytes(nullptr, count)); }
  template <kernels::Primitive P>
  rlnas_timing time(const P& call) {
    std::vector<double> times = kernels::times_ms(device_, call, repeats_);
    std::ranges::sort(times);
    rlnas_timing timing = RLNAS_INIT(rlnas_timing);
    timing.min_ms = times.front();
    timing.median_ms = times[times.size() / 2];
    timing.flops = call.cost().flops;
    timing.bytes = call.cost().bytes;
    return timing;
  }
  Device& device() { return device_; }

 private:
  Device device_;
  int repeats_;
  std::deque<kernels::Buffer> buffers_;
};

ConvSpec conv_of(const rlnas_shape& s) {
  return {s.batch,  s.channels, s.height,  s.width,    s.out_channels,
          s.kernel, s.stride,   s.padding, s.dilation, s.groups};
}

// Checked here since buffers are made before a kernel sees the spec.
PoolSpec pool_of(const rlnas_shape& s) {
  RLNAS_CHECK(s.kernel <= std::min(s.height, s.width) + 2 * s.padding, usage, "the window does not fit");
  return {s.batch, s.channels, s.height, s.width, s.kernel, s.stride, s.padding};
}

LinearSpec linear_of(const rlnas_shape& s) {
  return {s.batch, s.channels * s.height * s.width, s.out_channels};
}

ConvSpec checked_conv(const rlnas_shape& s) {
  RLNAS_CHECK(s.channels % s.groups == 0 && s.out_channels > 0 && s.out_channels % s.groups == 0, usage,
              s.channels, " -> ", s.out_channels, " channels in ", s.groups, " groups");
  RLNAS_CHECK(s.dilation * (s.kernel - 1) + 1 <= std::min(s.height, s.width) + 2 * s.padding, usage,
              "the filter does not fit");
  return conv_of(s);
}

BatchNormSpec norm_of(const rlnas_shape& s) {
  return {s.batch * s.height * s.width, s.channels};
}

BatchNormSaved saved_of(Bench& bench, int channels) {
  return BatchNormSaved::at(bench.floats(4 * std::size_t(channels)), channels);
}

struct Timed {
  const char* name;
  rlnas_timing (*time)(Bench&, const rlnas_shape&);
};

constexpr Timed kTimed[] = {
    {ConvForward::kName,
     [](Bench& b, const rlnas_shape& s) {
       const ConvSpec c = checked_conv(s);
       return b.time(
           ConvForward{c, b.floats(c.in_count()), b.floats(c.weight_count()), b.floats(c.out_count())});
     }},
    {ConvBackwardData::kName,
     [](Bench& b, const rlnas_shape& s) {
       const ConvSpec c = checked_conv(s);
       return b.time(
           ConvBackwardData{c, b.floats(c.out_count()), b.floats(c.weight_count()), b.floats(c.in_count())});
     }},
    {ConvBackwardWeights::kName,
     [](Bench& b, const rlnas_shape& s) {
       const ConvSpec c = checked_conv(s);
       return b.time(ConvBackwardWeights{c, b.floats(c.in_count()), b.floats(c.out_count()),
                                         b.floats(c.weight_count())});
     }},
    {BatchNormStatistics::kName,
     [](Bench& b, const rlnas_shape& s) {
       const BatchNormSpec n = norm_of(s);
       const std::size_t c = std::size_t(n.channels);
       return b.time(BatchNormStatistics{.spec = n,
                                         .x = b.floats(n.count()),
                                         .running_mean = b.floats(c),
                                         .running_var = b.floats(c),
                                         .saved = saved_of(b, n.channels)});
     }},
    {BatchNormBackward::kName,
     [](Bench& b, const rlnas_shape& s) {
       const BatchNormSpec n = norm_of(s);
       return b.time(BatchNormBackward{.spec = n,
                                       .x = b.floats(n.count()),
                                       .dy = b.floats(n.count()),
                                       .saved = saved_of(b, n.channels),
                                       .dx = b.floats(n.count())});
     }},
    {AffineSum::kName,
     [](Bench& b, const rlnas_shape& s) {
       const BatchNormSpec n = norm_of(s);
       AffineSumSpec sum{
           .rows = n.rows, .channels = n.channels, .term_count = 2, .activation = Activation::relu};
       for (AffineTerm& term : std::span(sum.terms).first(2))
         term = {b.floats(n.count()), b.floats(std::size_t(n.channels)), b.floats(std::size_t(n.channels))};
       return b.time(AffineSum{.spec = sum, .activated = b.floats(n.count())});
     }},
    {Add::kName,
     [](Bench& b, const rlnas_shape& s) {
       const std::size_t count = norm_of(s).count();
       return b.time(
           Add{.count = count, .x = b.floats(count), .y = b.floats(count), .store = Store::accumulate});
     }},
    {AvgPoolForward::kName,
     [](Bench& b, const rlnas_shape& s) {
       const PoolSpec p = pool_of(s);
       return b.time(AvgPoolForward{p, b.floats(p.in_count()), b.floats(p.out_count())});
     }},
    {AvgPoolBackward::kName,
     [](Bench& b, const rlnas_shape& s) {
       const PoolSpec p = pool_of(s);
       return b.time(AvgPoolBackward{p, b.floats(p.out_count()), b.floats(p.in_count())});
     }},
    {MaxPoolForward::kName,
     [](Bench& b, const rlnas_shape& s) {
       const PoolSpec p = pool_of(s);
       return b.time(
           MaxPoolForward{p, b.floats(p.in_count()), b.floats(p.out_count()), b.room(p.out_count())});
     }},
    {GlobalAvgPoolForward::kName,
     [](Bench& b, const rlnas_shape& s) {
       const std::size_t out = std::size_t(s.batch) * std::size_t(s.channels);
       return b.time(GlobalAvgPoolForward{s.batch, s.height * s.width, s.channels,
                                          b.floats(norm_of(s).count()), b.floats(out)});
     }},
    {LinearForward::kName,
     [](Bench& b, const rlnas_shape& s) {
       const LinearSpec l = linear_of(s);
       const std::size_t n = std::size_t(l.batch), in = std::size_t(l.in_features),
                         out = std::size_t(l.out_features);
       return b.time(
           LinearForward{l, b.floats(n * in), b.floats(in * out), b.floats(out), b.floats(n * out)});
     }},
    {LinearBackwardWeights::kName,
     [](Bench& b, const rlnas_shape& s) {
       const LinearSpec l = linear_of(s);
       const std::size_t n = std::size_t(l.batch), in = std::size_t(l.in_features),
                         out = std::size_t(l.out_features);
       return b.time(
           LinearBackwardWeights{l, b.floats(n * in), b.floats(n * out), b.floats(in * out), b.floats(out)});
     }},
    {CrossEntropy::kName,
     [](Bench& b, const rlnas_shape& s) {
       const std::size_t n = std::size_t(s.batch), k = std::size_t(s.channels);
       const std::vector<std::int32_t> labels(n, 0);
       return b.time(CrossEntropy{
           .spec = {.batch = s.batch, .classes = s.channels},
           .logits = b.floats(n * k),
           .labels = static_cast<const std::int32_t*>(b.bytes(labels.data(), n * sizeof labels[0])),
           .dlogits = b.floats(n * k),
           .sums = static_cast<LossSums*>(b.bytes(nullptr, sizeof(LossSums)))});
     }},
};

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
  RLNAS_CHECK(double(s.batch) * s.channels * s.height * s.width < 1e10, usage,
              "a shape of more than 1e10 floats");
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
    RLNAS_CHECK(one != std::end(kTimed), usage, "no primitive '", name,
                "' that can be timed: see rlnas_primitives");
    Bench bench(Device({.name = on.empty() ? "auto" : on, .threads = threads}), repeats);
    put(one->time(bench, complete(taken(&required(shape, "shape")))), &required(timing, "timing"));
  });
}
