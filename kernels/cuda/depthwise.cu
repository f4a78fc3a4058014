#include "kernels/cuda/depthwise.cuh"

#include "kernels/cuda/depthwise_gradients.cuh"

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
    launch_depthwise(spec, source_of<E>(input), w, y.template as<E>(), wanted, stream);
  });
}

}  // namespace

void depthwise_forward(const ConvSpec& spec, const DepthwiseInput& input, const float* w, Values y,
                       GpuStream stream) {
  forward(spec, input, w, y, {}, stream);
}

std::size_t depthwise_statistics_workspace_bytes(const ConvSpec& spec) {
  return depthwise_sums_bytes(spec);
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

std::size_t depthwise_gradients_workspace_bytes(const ConvSpec& spec) {
  return depthwise_gradients_scratch_bytes(spec);
}

void depthwise_gradients(const ConvSpec& spec, const DepthwiseOutputGradient& output, const float* w,
                         const DepthwiseInput& input, const DepthwiseGradients& wanted, Workspace workspace,
                         unsigned* counters, GpuStream stream) {
  with_element(output.dz.element(), [&](auto zero) {
    launch_depthwise_gradients<decltype(zero)>(spec, output, w, input, wanted, workspace, counters, stream);
  });
}

}  // namespace rlnas
