#include "ops/conv.h"

#include "ops/weight_gradients.h"

namespace rlnas {
namespace {

ConvSpec spec_of(const Tensor& x, const Conv2d& layer) {
  RLNAS_CHECK(x.c() == layer.in_channels, run_failed, "convolution of ", layer.in_channels,
              " channels given ", x.c());
  return {x.n(),        layer.in_channels, x.h(),         x.w(),          layer.out_channels,
          layer.kernel, layer.stride,      layer.padding, layer.dilation, layer.groups};
}

Tensor make_output(Context& context, const Tensor& x, const ConvSpec& spec) {
  return make_images(context.arena, x, spec.out_height(), spec.out_width(), spec.out_channels);
}

// x, or activation(norm(x)) where norm is not empty; x.variable is that of the value before the activation.
struct NormInput {
  Tensor x;
  Tensor norm = {};  // [4,C] as BatchNormSaved
  Activation activation = Activation::none;

  BatchNormSaved saved() const { return norm ? BatchNormSaved::at(norm.data(), x.c()) : BatchNormSaved{}; }
};

SumTerm conv_norm_of(Context& context, const NormInput& input, const Conv2d& layer, const BatchNorm& norm) {
  const ConvNormSpec spec{.conv = spec_of(input.x, layer),
                          .momentum = context.statistics_momentum,
                          .normalises_input = bool(input.norm)};
  SumTerm term{make_output(context, input.x, spec.conv)};
  const NormTensors tensors = norm_tensors(context, norm);
  term.norm = tensors.saved;
  run(context, ConvNormForward{.spec = spec,
                               .x = input.x.data(),
                               .x_norm = input.saved(),
                               .x_activation = input.activation,
                               .w = context.parameters.weight(layer.weight),
                               .y = term.x.data(),
                               .gamma = tensors.gamma,
                               .beta = tensors.beta,
                               .running_mean = tensors.running_mean,
                               .running_var = tensors.running_var,
                               .saved = term.saved(),
                               .rounded_w = context.parameters.rounded_weight(layer.weight)});
  if (!context.records()) return term;
  context.use_segment(layer.weight);
  term.x.variable = context.tape.new_variable();
  context.tape.record([&context, spec, input, weight = layer.weight, norm, term] {
    const Tape::NotedGradient dz = context.tape.take_noted_gradient(term.x.variable);
    if (!dz.gradient) return;
    ConvNormBackward call{.spec = spec,
                          .x = input.x.data(),
                          .x_norm = input.saved(),
                          .x_activation = input.activation,
                          .w = context.parameters.weight(weight),
                          .y = term.x.data(),
                          .saved = term.saved(),
                          .dz = dz.gradient.data(),
                          .z_activation = dz.activation,
                          .dz_note = dz.note.data(),
                          .rounded_w = context.parameters.rounded_weight(weight)};
    if (input.x.variable >= 0) {
      const Tape::Target target = context.tape.gradient_target(input.x);
      call.dx = target.data;
      call.store = target.store;
      call.dx_note = context.tape.note_on_gradient(input.x.variable, context.backend.note_bytes(call));
    }
    write_weight_gradients(context, std::array{weight, norm.gamma, norm.beta}, [&](const auto& gradients) {
      call.dw = gradients[0];
      call.dgamma = norm.use >= 0 ? factor_gradient(context, norm) : gradients[1];
      call.dbeta = gradients[2];
      run(context, call);
    });
  });
  return term;
}

}  // namespace

Tensor conv2d(Context& context, const Tensor& x, const Conv2d& layer) {
  const ConvSpec spec = spec_of(x, layer);
  Tensor y = make_output(context, x, spec);
  run(context, ConvForward{.spec = spec,
                           .x = x.data(),
                           .w = context.parameters.weight(layer.weight),
                           .y = y.data(),
                           .rounded_w = context.parameters.rounded_weight(layer.weight)});
  if (!context.records()) return y;

  context.use_segment(layer.weight);
  y.variable = context.tape.new_variable();
  context.tape.record([&context, spec, x, segment = layer.weight, variable = y.variable] {
    const Tensor dy = context.tape.take_gradient(variable);
    if (!dy) return;
    write_weight_gradients(context, std::array{segment}, [&](const auto& gradients) {
      if (gradients[0] != nullptr)
        run(context, ConvBackwardWeights{.spec = spec, .x = x.data(), .dy = dy.data(), .dw = gradients[0]});
    });
    if (x.variable < 0) return;
    Tensor dx = make_like(context.arena, x);
    run(context, ConvBackwardData{.spec = spec,
                                  .dy = dy.data(),
                                  .w = context.parameters.weight(segment),
                                  .dx = dx.data(),
                                  .rounded_w = context.parameters.rounded_weight(segment)});
    context.tape.add_gradient(x, std::move(dx));
  });
  return y;
}

SumTerm conv_norm(Context& context, const Tensor& x, const Conv2d& layer, const BatchNorm& norm) {
  if (context.uses_running_statistics()) return normalise(context, conv2d(context, x, layer), norm);
  return conv_norm_of(context, {x, {}, x.applied}, layer, norm);
}

SumTerm conv_norm(Context& context, const SumTerm& source, Activation activation, const Conv2d& layer,
                  const BatchNorm& norm) {
  const bool left_to_kernel = !context.uses_running_statistics() && source.norm &&
                              context.backend.gains_by_normalising_inputs(spec_of(source.x, layer));
  if (left_to_kernel) return conv_norm_of(context, {source.x, source.norm, activation}, layer, norm);
  return conv_norm(context, norm_sum(context, {source}, SumOutput::activated, activation).activated, layer,
                   norm);
}

}  // namespace rlnas
