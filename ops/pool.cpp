#include "ops/pool.h"

#include <utility>

namespace rlnas {
namespace {

// Runs pass(dx, store), which makes a gradient of the data of x, and adds that to what x has.
template <class Pass>
void add_pool_gradient(Context& context, const Tensor& x, const Pass& pass) {
  if (x.applied == Activation::none) {
    const Tape::Target target = context.tape.gradient_target(x);
    pass(target.data, target.store);
  } else {
    Tensor dx = make_like(context.arena, x);
    pass(dx.data(), Store::overwrite);
    context.tape.add_gradient(x, std::move(dx));
  }
}

}  // namespace

Tensor avg_pool(Context& context, const Tensor& x, const Pool& pool) {
  const PoolSpec spec{x.n(), x.c(), x.h(), x.w(), pool.kernel, pool.stride, pool.padding};
  Tensor y = make_images(context.arena, x, spec.out_height(), spec.out_width(), x.c());
  context.backend.run(AvgPoolForward{.spec = spec, .x = x.data(), .y = y.data()});
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
  add_pool_gradient(context, x, [&](Values dx, Store store) {
    context.backend.run(AvgPoolBackward{.spec = spec, .dy = dy.data(), .dx = dx, .store = store});
  });
}

Tensor max_pool(Context& context, const Tensor& x, const Pool& pool) {
  const PoolSpec spec{x.n(), x.c(), x.h(), x.w(), pool.kernel, pool.stride, pool.padding};
  Tensor y = make_images(context.arena, x, spec.out_height(), spec.out_width(), x.c());
  const Tensor index = make_tensor(context.arena, y.shape, Layout::nhwc, DType::u8);
  context.backend.run(
      MaxPoolForward{.spec = spec, .x = x.data(), .y = y.data(), .index = index.data<std::uint8_t>()});
  if (!context.records(x)) return y;
  y.variable = context.tape.new_variable();
  const Tensor source = x.for_gradient();
  context.tape.record([&context, spec, source, index, variable = y.variable] {
    const Tensor dy = context.tape.take_gradient(variable);
    if (!dy) return;
    add_pool_gradient(context, source, [&](Values dx, Store store) {
      context.backend.run(MaxPoolBackward{
          .spec = spec, .index = index.data<std::uint8_t>(), .dy = dy.data(), .dx = dx, .store = store});
    });
  });
  return y;
}

Tensor global_avg_pool(Context& context, const Tensor& x) {
  Tensor y = make_tensor(context.arena, Shape::matrix(x.n(), x.c()), Layout::matrix);
  context.backend.run(GlobalAvgPoolForward{
      .batch = x.n(), .pixels = x.h() * x.w(), .channels = x.c(), .x = x.data(), .y = y.data()});
  if (!context.records(x)) return y;
  y.variable = context.tape.new_variable();
  const Tensor source = x.for_gradient();
  context.tape.record([&context, source, variable = y.variable] {
    const Tensor dy = context.tape.take_gradient(variable);
    if (!dy) return;
    Tensor dx = make_like(context.arena, source);
    context.backend.run(GlobalAvgPoolBackward{.batch = source.n(),
                                              .pixels = source.h() * source.w(),
                                              .channels = source.c(),
                                              .dy = dy.data(),
                                              .dx = dx.data()});
    context.tape.add_gradient(source, std::move(dx));
  });
  return y;
}

}  // namespace rlnas
