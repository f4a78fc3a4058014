#include "ops/channels.h"

#include <algorithm>
#include <utility>

namespace rlnas {

Tensor concat_channels(Context& context, const std::vector<Tensor>& parts) {
  RLNAS_CHECK(!parts.empty(), run_failed, "nothing to join along the channels");
  const Tensor& first = parts.front();
  Shape shape = first.shape;
  shape.dims[3] = 0;
  for (const Tensor& part : parts) {
    RLNAS_CHECK(part.n() == first.n() && part.h() == first.h() && part.w() == first.w(), run_failed,
                "joining channels of tensors that differ in size");
    shape.dims[3] += part.c();
  }
  const bool alike = std::all_of(parts.begin(), parts.end(),
                                 [&](const Tensor& part) { return part.applied == first.applied; });
  Tensor joined = make_tensor(context.arena, shape, Layout::nhwc, first.dtype);
  joined.applied = alike ? first.applied : Activation::none;
  int channel = 0;
  for (const Tensor& part : parts) {
    context.backend.run(CopyChannels{.spec = {part.rows(), part.c(), part.c(), shape.dims[3]},
                                     .x = part.data(),
                                     .y = joined.data() + channel});
    channel += part.c();
  }
  if (std::none_of(parts.begin(), parts.end(), [&](const Tensor& part) { return context.records(part); }))
    return joined;

  joined.variable = context.tape.new_variable();
  std::vector<Tensor> sources = parts;
  for (Tensor& source : sources)
    if (alike)
      source.buffer = {};  // variables lie before the activation: no gradient depends on the data
    else
      source = source.for_gradient();
  context.tape.record(
      [&context, variable = joined.variable, total = shape.dims[3], alike, sources = std::move(sources)] {
        const Tensor dy = context.tape.take_gradient(variable);
        if (!dy) return;
        ConstValues from = dy.data();
        for (const Tensor& source : sources) {
          if (source.variable >= 0 && !alike && source.applied != Activation::none) {
            Tensor dx = make_like(context.arena, source);
            context.backend.run(CopyChannels{
                .spec = {source.rows(), source.c(), total, source.c()}, .x = from, .y = dx.data()});
            context.tape.add_gradient(source, std::move(dx));
          } else if (source.variable >= 0) {
            const Tape::Target target = context.tape.gradient_target(source);
            context.backend.run(CopyChannels{.spec = {source.rows(), source.c(), total, source.c()},
                                             .x = from,
                                             .y = target.data,
                                             .store = target.store});
          }
          from = from + source.c();
        }
      });
  return joined;
}

// The variables of both lie before the activation that they share: no gradient depends on the data.
Tensor slice_channels(Context& context, const Tensor& x, int first, int channels) {
  Tensor y = make_images(context.arena, x, x.h(), x.w(), channels);
  y.applied = x.applied;
  context.backend.run(
      CopyChannels{.spec = {x.rows(), channels, x.c(), channels}, .x = x.data() + first, .y = y.data()});
  if (!context.records(x)) return y;
  y.variable = context.tape.new_variable();
  Tensor source = x;
  source.buffer = {};
  context.tape.record([&context, source, first, channels, variable = y.variable] {
    const Tensor dy = context.tape.take_gradient(variable);
    if (!dy) return;
    const Tape::Target target = context.tape.gradient_target(source);
    if (target.store == Store::overwrite)
      context.backend.run(Fill{.count = source.count(), .value = 0.0f, .y = target.data});
    context.backend.run(CopyChannels{.spec = {source.rows(), channels, channels, source.c()},
                                     .x = dy.data(),
                                     .y = target.data + first,
                                     .store = target.store});
  });
  return y;
}

Tensor shuffle_channels(Context& context, const Tensor& x, int groups) {
  const ChannelShuffleSpec spec{x.rows(), x.c(), groups};
  Tensor y = make_like(context.arena, x);
  y.applied = x.applied;
  context.backend.run(ShuffleChannels{.spec = spec, .x = x.data(), .y = y.data()});
  if (!context.records(x)) return y;
  y.variable = context.tape.new_variable();
  Tensor source = x;
  source.buffer = {};
  context.tape.record([&context, spec, source, variable = y.variable] {
    const Tensor dy = context.tape.take_gradient(variable);
    if (!dy) return;
    const Tape::Target target = context.tape.gradient_target(source);
    context.backend.run(
        ShuffleChannels{.spec = spec.inverse(), .x = dy.data(), .y = target.data, .store = target.store});
  });
  return y;
}

Tensor subsample(Context& context, const Tensor& x, int offset) {
  const SubsampleSpec spec{
      .batch = x.n(), .channels = x.c(), .in_height = x.h(), .in_width = x.w(), .offset = offset};
  Tensor y = make_images(context.arena, x, spec.out_height(), spec.out_width(), x.c());
  y.applied = x.applied;
  context.backend.run(SubsampleForward{.spec = spec, .x = x.data(), .y = y.data()});
  if (!context.records(x)) return y;
  y.variable = context.tape.new_variable();
  Tensor source = x;
  source.buffer = {};  // its variable lies before the activation, as that of y does: no mask is needed
  context.tape.record([&context, spec, source, variable = y.variable] {
    const Tensor dy = context.tape.take_gradient(variable);
    if (!dy) return;
    const Tape::Target target = context.tape.gradient_target(source);
    context.backend.run(
        SubsampleBackward{.spec = spec, .dy = dy.data(), .dx = target.data, .store = target.store});
  });
  return y;
}

}  // namespace rlnas
