#include "ops/factorized_reduce.h"

#include "ops/channels.h"
#include "ops/conv.h"

namespace rlnas {

Tensor subsample(Context& context, const Tensor& x, int offset) {
  const SubsampleSpec spec{
      .batch = x.n(), .channels = x.c(), .in_height = x.h(), .in_width = x.w(), .offset = offset};
  Tensor y = make_tensor(context.arena, Shape::image(x.n(), spec.out_height(), spec.out_width(), x.c()));
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

SumTerm factorized_reduce(Context& context, const Tensor& x, const FactorizedReduce& layer) {
  RLNAS_CHECK(x.h() % 2 == 0 && x.w() % 2 == 0, usage, "factorised reduction of an image of ", x.h(), "x",
              x.w(), ": both must be even; choose an image size that stays even at every reduction");
  const Tensor even = conv2d(context, subsample(context, x, 0), layer.conv_1);
  const Tensor odd = conv2d(context, subsample(context, x, 1), layer.conv_2);
  return normalise(context, concat_channels(context, {even, odd}), layer.norm);
}

}  // namespace rlnas
