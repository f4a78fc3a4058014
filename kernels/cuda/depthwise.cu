#include "kernels/cuda/depthwise.cuh"

namespace rlnas {

bool is_depthwise(const ConvSpec& spec) {
  return spec.groups > 1 && spec.groups == spec.in_channels && spec.groups == spec.out_channels &&
         (spec.kernel == 3 || spec.kernel == 5 || spec.kernel == 7) && (spec.stride == 1 || spec.stride == 2);
}

void depthwise_forward(const ConvSpec& spec, const DepthwiseInput& input, const float* w, float* y,
                       GpuStream stream) {
  launch_depthwise<ConvPass::forward>(spec, source_of(input), w, {.to = y}, {}, stream);
}

std::size_t depthwise_statistics_workspace_bytes(const ConvSpec& spec) {
  return depthwise_sums_bytes(spec, Direction::forward);
}

void depthwise_forward(const ConvSpec& spec, const DepthwiseInput& input, const float* w,
                       const BatchNormStatistics& statistics, float* y, Workspace workspace,
                       unsigned* counters, GpuStream stream) {
  check_workspace("depthwise convolution", workspace, depthwise_statistics_workspace_bytes(spec));
  const DepthwiseSums wanted{.sums = static_cast<double*>(workspace.data),
                             .counters = counters,
                             .spec = statistics.spec,
                             .statistics = {statistics.gamma, statistics.beta, statistics.running_mean,
                                            statistics.running_var, statistics.saved}};
  launch_depthwise<ConvPass::forward>(spec, source_of(input), w, {.to = y}, wanted, stream);
}

void depthwise_backward_data(const ConvSpec& spec, const float* dy, const float* w,
                             const DepthwiseGradient& gradient, GpuStream stream) {
  const DepthwiseTarget target{
      .to = gradient.dx,
      .activated = gradient.activation == Activation::none ? nullptr : gradient.activated,
      .bounds = bounds_of(gradient.activation),
      .store = gradient.store};
  launch_depthwise<ConvPass::backward_data>(spec, {.from = dy}, w, target, {}, stream);
}

std::size_t depthwise_note_workspace_bytes(const ConvSpec& spec) {
  return depthwise_sums_bytes(spec, Direction::backward);
}

void depthwise_backward_data(const ConvSpec& spec, const float* dy, const float* w,
                             const DepthwiseInput& input, float* dx, Store store, void* note,
                             Workspace workspace, unsigned* counters, GpuStream stream) {
  const DepthwiseTarget target{
      .to = dx, .x = input.x, .norm = input.norm, .bounds = bounds_of(input.activation), .store = store};
  DepthwiseSums wanted{};
  if (note != nullptr) {
    check_workspace("depthwise convolution", workspace, depthwise_note_workspace_bytes(spec));
    wanted.sums = static_cast<double*>(workspace.data);
    wanted.counters = counters;
    wanted.spec.rows = spec.batch * spec.in_height * spec.in_width;
    wanted.gradient = BatchNormNote::at(note, spec.in_channels);
  }
  launch_depthwise<ConvPass::backward_data>(spec, {.from = dy}, w, target, wanted, stream);
}

std::size_t depthwise_weights_workspace_bytes(const ConvSpec& spec) {
  check_spec(spec);
  const StripChunks chunks(Strips(spec, Direction::forward), MatrixTiling(spec.in_channels, 1),
                           StripChunks::kMostWeights);
  return std::size_t(chunks.blocks) * spec.weight_count() * sizeof(double);
}

void depthwise_backward_weights(const ConvSpec& spec, const DepthwiseInput& input, const float* dy, float* dw,
                                Workspace workspace, GpuStream stream) {
  launch_depthwise_weights(spec, input, dy, dw, workspace, stream);
}

}  // namespace rlnas
