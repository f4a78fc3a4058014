#include "kernels/cpu/depthwise_norm.h"

#include "kernels/cpu/activation_bounds.h"
#include "kernels/cpu/depthwise_conv.h"
#include "kernels/cpu/depthwise_filters.h"
#include "kernels/cpu/depthwise_passes.h"

namespace rlnas {
namespace {

using depthwise::load_lanes;
using depthwise::Vec;

struct InputSource {
  explicit InputSource(const NormedInput& input)
      : data(input.x), norm(input.norm), bounds(input.activation) {}

  struct Channels {
    const float* data;
    Vec scale, shift, low, high;
    Vec pixel(std::size_t at, int lanes) const {
      return clamp<Vec>(shift + scale * load_lanes(data + at, lanes), low, high);
    }
  };
  Channels of(int c, int lanes) const {
    return {data, load_lanes(norm.scale + c, lanes), load_lanes(norm.shift + c, lanes),
            splat<Vec>(bounds.low), splat<Vec>(bounds.high)};
  }
  LinesAhead<false> ahead(std::size_t from) const { return {data, from}; }

  const float* data;
  ConstBatchNormSaved norm;
  Bounds bounds;
};

struct GradientSource {
  explicit GradientSource(const NormedGradient& made_from) : gradient(made_from) {}

  struct Channels {
    const float *y, *dz;
    Vec scale, tilt, mean, rest;
    Vec pixel(std::size_t at, int lanes) const {
      const Vec centred = load_lanes(y + at, lanes) - mean;
      return scale * load_lanes(dz + at, lanes) + (tilt * centred + rest);
    }
  };
  Channels of(int c, int lanes) const {
    return {gradient.y,
            gradient.dz,
            load_lanes(gradient.norm.scale + c, lanes),
            load_lanes(gradient.slope + c, lanes),
            load_lanes(gradient.norm.mean + c, lanes),
            load_lanes(gradient.offset + c, lanes)};
  }
  struct Ahead {
    LinesAhead<false> y, dz;
    void fetch(int lines) {
      y.fetch(lines);
      dz.fetch(lines);
    }
  };
  Ahead ahead(std::size_t from) const { return {{gradient.y, from}, {gradient.dz, from}}; }

  NormedGradient gradient;
};

// dx where the activation let the value through.
struct MaskedSink {
  float* dx;
  Bounds bounds;
  Store store_mode;

  struct Channels {
    float* dx;
    Vec low, high;
    int lanes;
    Store store_mode;
    void put(std::size_t at, Vec gradient, Vec activated) const {
      Vec passed = activated > low ? gradient : Vec{};
      passed = activated < high ? passed : Vec{};
      if (store_mode == Store::accumulate) passed += load_lanes(dx + at, lanes);
      depthwise::store_lanes(dx + at, passed, lanes);
    }
  };
  Channels of(int, int lanes) const {
    return {dx, splat<Vec>(bounds.low), splat<Vec>(bounds.high), lanes, store_mode};
  }
  LinesAhead<true> ahead(std::size_t from) const { return {dx, from}; }
};

template <class Filter>
class FilterNorm final : public DepthwiseNorm {
 public:
  explicit FilterNorm(const ConvSpec& spec) : passes_(spec) {
    forward = make_depthwise_conv(spec, ConvPass::forward);
    to_weights = make_depthwise_conv(spec, ConvPass::backward_weights);
    forward_scratch_bytes = whole_pages(passes_.template gather_floats<ConvPass::forward>() * sizeof(float));
    backward_scratch_bytes = whole_pages(passes_.backward_floats() * sizeof(float));
  }

  void run_forward(int images, const NormedInput& x, const void* filters, float* y,
                   void* scratch) const override {
    passes_.template gather<ConvPass::forward>(images, InputSource(x), static_cast<const float*>(filters), y,
                                               static_cast<float*>(scratch));
  }

  void run_backward(int images, const NormedInput& x, const NormedGradient& dy, const void* filters,
                    float* sums, float* dx, Store store_mode, void* scratch) const override {
    const auto memory = static_cast<float*>(scratch);
    if (dx == nullptr) return passes_.add_gradient(images, InputSource(x), GradientSource(dy), sums, memory);
    passes_.backward(images, InputSource(x), GradientSource(dy), static_cast<const float*>(filters), sums,
                     MaskedSink{dx, Bounds(x.activation), store_mode}, memory);
  }

 private:
  depthwise::Passes<Filter> passes_;
};

}  // namespace

std::unique_ptr<DepthwiseNorm> make_depthwise_norm(const ConvSpec& spec) {
  std::unique_ptr<DepthwiseNorm> made;
  depthwise::with_filter_of(spec, [&]<class Filter>() {
    if constexpr (Filter::kDilation == 1) made = std::make_unique<FilterNorm<Filter>>(spec);
  });
  return made;
}

}  // namespace rlnas
