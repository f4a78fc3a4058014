#include "ops/layers.h"

#include <cmath>

#include "engine/philox.h"
#include "kernels/check.h"
#include "rlnas/spec.hpp"

namespace rlnas {

std::int64_t Conv2d::macs(int height, int width) const {
  const ConvSpec spec{1, in_channels, height, width, out_channels, kernel, stride, padding, dilation, groups};
  return std::int64_t(spec.macs());
}

int ModelBuilder::add(const std::string& name, std::vector<std::int64_t> shape, Owner owner,
                      Initial initial) {
  initials_.push_back(initial);
  return parameters_.add(name, std::move(shape), owner.cell, owner.edge, owner.op);
}

Conv2d ModelBuilder::conv(const std::string& name, Conv2d geometry, Owner owner) {
  const std::int64_t group_channels = geometry.in_channels / geometry.groups;
  const float window = float(geometry.kernel * geometry.kernel), fan_in = float(group_channels) * window;
  Initial initial{.bound = 1.0f / std::sqrt(fan_in)};
  if (initializer_ == Initializer::kaiming_fan_in) initial = {.bound = std::sqrt(6.0f / fan_in)};
  if (initializer_ == Initializer::normal_fan_out)
    initial = {.deviation = std::sqrt(2.0f / (window * float(geometry.out_channels)))};
  geometry.weight =
      add(name + ".weight", {geometry.out_channels, group_channels, geometry.kernel, geometry.kernel}, owner,
          initial);
  return geometry;
}

BatchNorm ModelBuilder::batch_norm(const std::string& name, int channels, Affine affine, Owner owner) {
  BatchNorm norm{.channels = channels};
  if (affine == Affine::yes) {
    norm.gamma = add(name + ".weight", {channels}, owner, {.constant = 1.0f});
    norm.beta = add(name + ".bias", {channels}, owner, {.constant = 0.0f});
  }
  norm.running_mean = statistics_.add(name + ".running_mean", {channels}, owner.cell, owner.edge, owner.op);
  norm.running_var = statistics_.add(name + ".running_var", {channels}, owner.cell, owner.edge, owner.op);
  return norm;
}

Linear ModelBuilder::linear(const std::string& name, int in_features, int out_features) {
  Initial weight{.bound = 1.0f / std::sqrt(float(in_features))}, bias = weight;
  if (initializer_ == Initializer::kaiming_fan_in) {
    weight = {.deviation = 0.01f};
    bias = {};
  }
  return {add(name + ".weight", {out_features, in_features}, {}, weight),
          add(name + ".bias", {out_features}, {}, bias), in_features, out_features};
}

std::vector<float> ModelBuilder::initial_parameters(std::uint64_t seed) const {
  std::vector<float> values(std::size_t(parameters_.buffer_count()), 0.0f);
  for (int s = 0; s < parameters_.size(); ++s) {
    const Segment& segment = parameters_[s];
    const Initial initial = initials_[std::size_t(s)];
    RandomStream random(seed, "init:" + segment.name);
    float* first = values.data() + segment.offset;
    for (std::int64_t i = 0; i < segment.count; ++i) {
      if (initial.bound > 0)
        first[i] = initial.bound * (2.0f * random.uniform() - 1.0f);
      else if (initial.deviation > 0)
        first[i] = float(initial.deviation * random.normal());
      else
        first[i] = initial.constant;
    }
  }
  return values;
}

std::vector<float> ModelBuilder::initial_statistics() const {
  std::vector<float> values(std::size_t(statistics_.buffer_count()), 0.0f);
  for (const Segment& segment : statistics_)
    if (segment.name.ends_with(".running_var"))
      std::fill_n(values.begin() + segment.offset, segment.count, 1.0f);
  return values;
}

}  // namespace rlnas
