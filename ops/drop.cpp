#include "ops/drop.h"

#include <vector>

#include "engine/philox.h"

namespace rlnas {
namespace {

// Cuts x into `rows` parts, each kept with its own draw.
Tensor drop_rows(Context& context, const Tensor& x, int rows, std::string_view layer, const DropSpec& spec) {
  if (!spec.active(context)) return x;
  RandomStream random(spec.seed, layer, std::uint64_t(spec.step), std::uint64_t(spec.rank));
  const float kept = float(1.0 / (1.0 - spec.probability));
  std::vector<float> factors(std::size_t(rows), 0.0f);
  for (float& factor : factors) factor = double(random.uniform()) < spec.probability ? 0.0f : kept;
  const Tensor scale = make_tensor(context.arena, Shape::matrix(rows, 1), Layout::flat);
  context.backend.upload(scale.data<void>(), factors.data(), scale.bytes());

  const RowScaleSpec rows_of{rows, std::int64_t(x.count()) / rows};
  Tensor y = make_like(context.arena, x);
  context.backend.run(ScaleRows{.spec = rows_of, .scale = scale.data(), .x = x.data(), .y = y.data()});
  if (!context.records(x)) return y;
  y.variable = context.tape.new_variable();
  context.tape.record([&context, rows_of, scale, source = x.for_gradient(), variable = y.variable] {
    Tensor dy = context.tape.take_gradient(variable);
    if (!dy) return;
    Tensor dx = dy.buffer.unique() ? dy : make_like(context.arena, source);
    context.backend.run(ScaleRows{.spec = rows_of, .scale = scale.data(), .x = dy.data(), .y = dx.data()});
    dy = {};
    context.tape.add_gradient(source, std::move(dx));
  });
  return y;
}

}  // namespace

Tensor dropout(Context& context, const Tensor& x, std::string_view layer, const DropSpec& spec) {
  return drop_rows(context, x, int(x.count()), layer, spec);
}

Tensor drop_path(Context& context, const Tensor& x, std::string_view layer, const DropSpec& spec) {
  return drop_rows(context, x, x.n(), layer, spec);
}

}  // namespace rlnas
