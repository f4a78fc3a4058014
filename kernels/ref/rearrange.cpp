// Copies of channel ranges and of every n-th pixel.
#include "kernels/ref/ref_backend.h"
#include "kernels/spec_checks.h"

namespace rlnas {
namespace {

void write(Store store, float value, RefValues::Place to) {
  to = store == Store::accumulate ? to + value : value;
}

// Calls visit(index in x, index in y) for every value that is picked.
template <class Visit>
void for_each_picked(const SubsampleSpec& s, const Visit& visit) {
  std::size_t out = 0;
  for (int n = 0; n < s.batch; ++n)
    for (int p = 0; p < s.out_height(); ++p)
      for (int q = 0; q < s.out_width(); ++q)
        for (int c = 0; c < s.channels; ++c) {
          const int h = s.offset + p * s.stride, w = s.offset + q * s.stride;
          visit(
              std::size_t((n * s.in_height + h) * s.in_width + w) * std::size_t(s.channels) + std::size_t(c),
              out++);
        }
}

}  // namespace

void RefBackend::run(const CopyChannels& call, Workspace) {
  const ChannelCopySpec& spec = call.spec;
  const RefValues x(call.x), y(call.y);
  check_spec(spec);
  for (std::size_t m = 0; m < std::size_t(spec.rows); ++m)
    for (std::size_t c = 0; c < std::size_t(spec.channels); ++c)
      write(call.store, x[m * std::size_t(spec.from_stride) + c], y[m * std::size_t(spec.to_stride) + c]);
}

void RefBackend::run(const ShuffleChannels& call, Workspace) {
  const ChannelShuffleSpec& spec = call.spec;
  const RefValues x(call.x), y(call.y);
  check_spec(spec);
  const int per_group = spec.channels / spec.groups;
  for (std::size_t m = 0; m < std::size_t(spec.rows); ++m)
    for (int g = 0; g < spec.groups; ++g)
      for (int i = 0; i < per_group; ++i)
        write(call.store, x[m * std::size_t(spec.channels) + std::size_t(g * per_group + i)],
              y[m * std::size_t(spec.channels) + std::size_t(i * spec.groups + g)]);
}

void RefBackend::run(const SubsampleForward& call, Workspace) {
  const SubsampleSpec& spec = call.spec;
  const RefValues x(call.x), y(call.y);
  check_spec(spec);
  for_each_picked(spec, [&](std::size_t in, std::size_t out) { y[out] = x[in]; });
}

void RefBackend::run(const SubsampleBackward& call, Workspace) {
  const SubsampleSpec& spec = call.spec;
  const RefValues dy(call.dy), dx(call.dx);
  check_spec(spec);
  if (call.store == Store::overwrite) run(Fill{.count = spec.in_count(), .y = call.dx});
  for_each_picked(spec, [&](std::size_t in, std::size_t out) { write(call.store, dy[out], dx[in]); });
}

}  // namespace rlnas
