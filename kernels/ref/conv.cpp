// Convolution: y[n,p,q,k] = sum over c,r,s of x[n, p*stride - padding + r*dilation, q*..., c] * w[k,c,r,s],
// with c running over the input channels of k's group. The two gradients are the same sum seen from x and
// from w.
#include <vector>

#include "kernels/ref/ref_backend.h"
#include "kernels/spec_checks.h"

namespace rlnas {
namespace {

// Calls visit(index in x, index in w, index in y) for every product of the sum, y by y.
template <class Visit>
void for_each_product(const ConvSpec& s, const Visit& visit) {
  const int in_group = s.in_channels / s.groups, out_group = s.out_channels / s.groups;
  std::size_t y = 0;
  for (int n = 0; n < s.batch; ++n)
    for (int p = 0; p < s.out_height(); ++p)
      for (int q = 0; q < s.out_width(); ++q)
        for (int k = 0; k < s.out_channels; ++k, ++y)
          for (int r = 0; r < s.kernel; ++r)
            for (int t = 0; t < s.kernel; ++t) {
              const int h = p * s.stride - s.padding + r * s.dilation;
              const int w = q * s.stride - s.padding + t * s.dilation;
              if (h < 0 || h >= s.in_height || w < 0 || w >= s.in_width) continue;
              for (int c = 0; c < in_group; ++c) {
                const std::size_t x_at =
                    std::size_t((n * s.in_height + h) * s.in_width + w) * std::size_t(s.in_channels) +
                    std::size_t(k / out_group * in_group + c);
                const std::size_t w_at = std::size_t(((k * in_group + c) * s.kernel + r) * s.kernel + t);
                visit(x_at, w_at, y);
              }
            }
}

template <class To>
void write(const std::vector<double>& sums, const To& to) {
  for (std::size_t i = 0; i < sums.size(); ++i) to[i] = float(sums[i]);
}

// The convolution's input where it is a norm's: in floats whatever the activations are stored as, since it
// need never be stored.
template <class ConvNorm>
std::vector<float> normalised_input(RefBackend& backend, const ConvNorm& call) {
  const ConvSpec& conv = call.spec.conv;
  std::vector<float> made(conv.in_count());
  AffineSumSpec sum{.rows = conv.batch * conv.in_height * conv.in_width,
                    .channels = conv.in_channels,
                    .term_count = 1,
                    .activation = call.x_activation};
  sum.terms[0] = {call.x, call.x_norm.scale, call.x_norm.shift};
  backend.run(AffineSum{.spec = sum, .activated = made.data()});
  return made;
}

// The same call of the input that was made.
template <class ConvNorm>
ConvNorm reading(ConvNorm call, const std::vector<float>& made) {
  call.spec.normalises_input = false;
  call.x = made.data();
  return call;
}

}  // namespace

void RefBackend::run(const ConvForward& call, Workspace) {
  const ConvSpec& spec = call.spec;
  const RefValues x(call.x);
  check_spec(spec);
  std::vector<double> sums(spec.out_count(), 0.0);
  for_each_product(spec, [&](std::size_t i, std::size_t j, std::size_t k) {
    sums[k] += double(x[i]) * double(call.w[j]);
  });
  write(sums, RefValues(call.y));
}

void RefBackend::run(const ConvBackwardData& call, Workspace) {
  const ConvSpec& spec = call.spec;
  const RefValues dy(call.dy);
  check_spec(spec);
  std::vector<double> sums(spec.in_count(), 0.0);
  for_each_product(spec, [&](std::size_t i, std::size_t j, std::size_t k) {
    sums[i] += double(dy[k]) * double(call.w[j]);
  });
  write(sums, RefValues(call.dx));
}

void RefBackend::run(const ConvBackwardWeights& call, Workspace) {
  const ConvSpec& spec = call.spec;
  const RefValues x(call.x), dy(call.dy);
  check_spec(spec);
  std::vector<double> sums(spec.weight_count(), 0.0);
  for_each_product(
      spec, [&](std::size_t i, std::size_t j, std::size_t k) { sums[j] += double(x[i]) * double(dy[k]); });
  write(sums, call.dw);
}

void RefBackend::run(const ConvNormForward& call, Workspace workspace) {
  if (!call.spec.normalises_input) return Backend::run(call, workspace);
  check_spec(call.spec);
  Backend::run(reading(call, normalised_input(*this, call)), workspace);
}

void RefBackend::run(const ConvNormBackward& call, Workspace workspace) {
  if (!call.spec.normalises_input) return Backend::run(call, workspace);
  check_spec(call.spec);
  Backend::run(reading(call, normalised_input(*this, call)), workspace);
}

}  // namespace rlnas
