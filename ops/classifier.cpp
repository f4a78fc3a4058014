#include "ops/classifier.h"

#include "ops/weight_gradients.h"

namespace rlnas {

Tensor linear(Context& context, const Tensor& x, const Linear& layer) {
  const LinearSpec spec{x.n(), layer.in_features, layer.out_features};
  const float* weight = context.parameters.weight(layer.weight);
  Tensor y = make_tensor(context.arena, Shape::matrix(x.n(), layer.out_features), Layout::matrix);
  context.backend.run(LinearForward{.spec = spec,
                                    .x = x.data(),
                                    .w = weight,
                                    .bias = context.parameters.weight(layer.bias),
                                    .y = y.data()});
  if (!context.records()) return y;

  context.use_segment(layer.weight);
  context.use_segment(layer.bias);
  y.variable = context.tape.new_variable();
  context.tape.record([&context, spec, x, weight, layer, variable = y.variable] {
    const Tensor dy = context.tape.take_gradient(variable);
    if (!dy) return;
    write_weight_gradients(context, std::array{layer.weight, layer.bias}, [&](const auto& gradients) {
      if (gradients[0] != nullptr)
        context.backend.run(LinearBackwardWeights{
            .spec = spec, .x = x.data(), .dy = dy.data(), .dw = gradients[0], .dbias = gradients[1]});
    });
    if (x.variable < 0) return;
    Tensor dx = make_tensor(context.arena, x.shape, Layout::matrix);
    context.backend.run(LinearBackwardData{.spec = spec, .dy = dy.data(), .w = weight, .dx = dx.data()});
    context.tape.add_gradient(x, std::move(dx));
  });
  return y;
}

void cross_entropy(Context& context, const Tensor& logits, const Tensor& labels, float label_smoothing,
                   LossSums* sums, float weight) {
  const CrossEntropySpec spec{logits.n(), logits.c(), label_smoothing};
  Tensor dlogits;
  if (context.records(logits)) dlogits = make_tensor(context.arena, logits.shape, Layout::matrix);
  context.backend.run(CrossEntropy{.spec = spec,
                                   .logits = logits.data(),
                                   .labels = labels.data<std::int32_t>(),
                                   .dlogits = dlogits.data(),
                                   .sums = sums});
  if (!dlogits) return;
  if (weight != 1.0f) {
    const Tensor factor = make_tensor(context.arena, Shape::matrix(1, 1), Layout::flat);
    context.backend.upload(factor.data<void>(), &weight, factor.bytes());
    context.backend.run(ScaleRows{.spec = {1, std::int64_t(dlogits.count())},
                                  .scale = factor.data(),
                                  .x = dlogits.data(),
                                  .y = dlogits.data()});
  }
  context.tape.add_gradient(logits, std::move(dlogits));
}

void add_weighted_loss(Context& context, const Tensor& logits, const Tensor& labels, float label_smoothing,
                       float weight) {
  if (!context.records(logits)) return;
  const Tensor sums = make_tensor(context.arena, Shape::matrix(1, sizeof(LossSums)), Layout::flat, DType::u8);
  cross_entropy(context, logits, labels, label_smoothing, sums.data<LossSums>(), weight);
}

}  // namespace rlnas
