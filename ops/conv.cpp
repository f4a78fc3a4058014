#include "ops/conv.h"

namespace rlnas {

Tensor conv2d(Context& context, const Tensor& x, const Conv2d& layer) {
  RLNAS_CHECK(x.c() == layer.in_channels, run_failed, "convolution of ", layer.in_channels,
              " channels given ", x.c());
  const ConvSpec spec{x.n(),        layer.in_channels, x.h(),         x.w(),          layer.out_channels,
                      layer.kernel, layer.stride,      layer.padding, layer.dilation, layer.groups};
  const float* weight = context.parameters.weight(layer.weight);
  Tensor y = make_tensor(context.arena,
                         Shape::image(x.n(), spec.out_height(), spec.out_width(), layer.out_channels));
  {
    const ScopedWorkspace workspace(context.arena,
                                    context.backend.conv_workspace_bytes(spec, ConvPass::forward));
    context.backend.conv_forward(spec, x.data(), weight, y.data(), workspace);
  }
  if (context.mode == Mode::evaluate) return y;

  context.parameters.mark_on_path(layer.weight);
  y.variable = context.tape.new_variable();
  context.tape.record([&context, spec, x, weight, segment = layer.weight, variable = y.variable] {
    const Tensor dy = context.tape.take_gradient(variable);
    if (!dy) return;
    {
      const ScopedWorkspace workspace(context.arena,
                                      context.backend.conv_workspace_bytes(spec, ConvPass::backward_weights));
      context.backend.conv_backward_weights(spec, x.data(), dy.data(),
                                            context.parameters.gradient_of(segment), workspace);
    }
    if (x.variable < 0) return;
    Tensor dx = make_tensor(context.arena, x.shape);
    {
      const ScopedWorkspace workspace(context.arena,
                                      context.backend.conv_workspace_bytes(spec, ConvPass::backward_data));
      context.backend.conv_backward_data(spec, dy.data(), weight, dx.data(), workspace);
    }
    context.tape.add_gradient(x, std::move(dx));
  });
  return y;
}

}  // namespace rlnas
