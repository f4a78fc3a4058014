#include "kernels/cuda/depthwise.cuh"

#include "kernels/cuda/depthwise_weights.cuh"

namespace rlnas {

bool is_depthwise(const ConvSpec& spec) {
  return spec.groups > 1 && spec.groups == spec.in_channels && spec.groups == spec.out_channels &&
         (spec.kernel == 3 || spec.kernel == 5 || spec.kernel == 7) && (spec.stride == 1 || spec.stride == 2);
}

namespace {

void forward(const ConvSpec& spec, const DepthwiseInput& input, const float* w, Values y,
             const DepthwiseSums& wanted, GpuStream stream) {
  with_element(y.element(), [&](auto zero) {
    using E = decltype(zero);
    const DepthwiseTarget<E> target{.to = y.template as<E>()};
    launch_depthwise<ConvPass::forward>(spec, source_of<E>(input), w, target, wanted, stream);
  });
}

}  // namespace

void depthwise_forward(const ConvSpec& spec, const DepthwiseInput& input, const float* w, Values y,
                       GpuStream stream) {
  forward(spec, input, w, y, {}, stream);
}

std::size_t depthwise_statistics_workspace_bytes(const ConvSpec& spec) {
  return depthwise_sums_bytes(spec, Direction::forward);
}

void depthwise_forward(const ConvSpec& spec, const DepthwiseInput& input, const float* w,
                       const BatchNormStatistics& statistics, Values y, Workspace workspace,
                       unsigned* counters, GpuStream stream) {
  check_workspace("depthwise convolution", workspace, depthwise_statistics_workspace_bytes(spec));
  const DepthwiseSums wanted{.sums = static_cast<double*>(workspace.data),
                             .counters = counters,
                             .spec = statistics.spec,
                             .statistics = {statistics.gamma, statistics.beta, statistics.running_mean,
                                            statistics.running_var, statistics.saved}};
  forward(spec, input, w, y, wanted, stream);
}

void depthwise_backward_data(const ConvSpec& spec, ConstValues dy, const float* w,
                             const DepthwiseGradient& gradient, GpuStream stream) {
  with_element(dy.element(), [&](auto zero) {
    using E = decltype(zero);
    const bool masked = gradient.activation != Activation::none;
    const DepthwiseSource<E> source{.from = dy.template as<E>()};
    const DepthwiseTarget<E> target{.to = gradient.dx.template as<E>(),
                                    .activated = masked ? gradient.activated.template as<E>() : nullptr,
                                    .bounds = bounds_of(gradient.activation),
                                    .store = gradient.store};
    launch_depthwise<ConvPass::backward_data>(spec, source, w, target, {}, stream);
  });
}

std::size_t depthwise_note_workspace_bytes(const ConvSpec& spec) {
  return depthwise_sums_bytes(spec, Direction::backward);
}

void depthwise_backward_data(const ConvSpec& spec, ConstValues dy, const float* w,
                             const DepthwiseInput& input, Values dx, Store store, void* note,
                             Workspace workspace, unsigned* counters, GpuStream stream) {
  DepthwiseSums wanted{};
  if (note != nullptr) {
    check_workspace("depthwise convolution", workspace, depthwise_note_workspace_bytes(spec));
    wanted.sums = static_cast<double*>(workspace.data);
    wanted.counters = counters;
    wanted.spec.rows = spec.batch * spec.in_height * spec.in_width;
    wanted.gradient = BatchNormNote::at(note, spec.in_channels);
  }
  with_element(dy.element(), [&](auto zero) {
    using E = decltype(zero);
    const DepthwiseSource<E> source{.from = dy.template as<E>()};
    const DepthwiseTarget<E> target{.to = dx.template as<E>(),
                                    .x = input.x.template as<E>(),
                                    .norm = input.norm,
                                    .bounds = bounds_of(input.activation),
                                    .store = store};
    launch_depthwise<ConvPass::backward_data>(spec, source, w, target, wanted, stream);
  });
}

std::size_t depthwise_weights_workspace_bytes(const ConvSpec& spec) {
  return depthwise_partials_bytes(spec);
}

void depthwise_backward_weights(const ConvSpec& spec, const DepthwiseInput& input, ConstValues dy, float* dw,
                                Workspace workspace, GpuStream stream) {
  launch_depthwise_weights(spec, input, dy, dw, workspace, stream);
}

}  // namespace rlnas
