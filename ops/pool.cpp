#include "ops/pool.h"

namespace rlnas {

Tensor avg_pool(Context& context, const Tensor& x, const Pool& pool) {
  const PoolSpec spec{x.n(), x.c(), x.h(), x.w(), pool.kernel, pool.stride, pool.padding};
  Tensor y = make_tensor(context.arena, Shape::image(x.n(), spec.out_height(), spec.out_width(), x.c()));
  context.backend.avg_pool_forward(spec, x.data(), y.data());
  if (!context.records(x)) return y;
  y.variable = context.tape.new_variable();
  const Tensor source = x.for_gradient();
  context.tape.record([&context, spec, source, variable = y.variable] {
    const Tensor dy = context.tape.take_gradient(variable);
    if (!dy) return;
    add_avg_pool_gradient(context, spec, source, dy);
  });
  return y;
}

void add_avg_pool_gradient(Context& context, const PoolSpec& spec, const Tensor& x, const Tensor& dy) {
  if (x.applied == Activation::none) {
    const Tape::Target target = context.tape.gradient_target(x);
    context.backend.avg_pool_backward(spec, dy.data(), target.data, target.store);
  } else {
    Tensor dx = make_tensor(context.arena, x.shape);
    context.backend.avg_pool_backward(spec, dy.data(), dx.data(), Store::overwrite);
    context.tape.add_gradient(x, std::move(dx));
  }
}

Tensor global_avg_pool(Context& context, const Tensor& x) {
  Tensor y = make_tensor(context.arena, Shape::matrix(x.n(), x.c()), Layout::matrix);
  context.backend.global_avg_pool_forward(x.n(), x.h() * x.w(), x.c(), x.data(), y.data());
  if (!context.records(x)) return y;
  y.variable = context.tape.new_variable();
  const Tensor source = x.for_gradient();
  context.tape.record([&context, source, variable = y.variable] {
    const Tensor dy = context.tape.take_gradient(variable);
    if (!dy) return;
    Tensor dx = make_tensor(context.arena, source.shape);
    context.backend.global_avg_pool_backward(source.n(), source.h() * source.w(), source.c(), dy.data(),
                                             dx.data());
    context.tape.add_gradient(source, std::move(dx));
  });
  return y;
}

}  // namespace rlnas
