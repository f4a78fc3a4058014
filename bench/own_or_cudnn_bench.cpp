// The choices that kernels/cuda made for its own kernels over cuDNN's, to be decided on a GPU: each depthwise
// and 1x1 convolution pass (these by cuBLAS), batch norm and average pooling by the own kernel and by cuDNN's
// best plan, side by side. Dilated 3x3 and 5x5 are those of DARTS, 5x5 and 7x7 those of MobileNet. Shares are
// of the device's copy bandwidth over as many bytes. Needs --device cuda[:N].
#include <array>
#include <vector>

#include "bench/device.h"
#include "bench/machine.h"
#include "bench/own_or_cudnn.h"

namespace rlnas::bench {
namespace {

std::vector<ConvSpec> specs() {
  struct Size {
    int channels, pixels;  // of a square image
  };
  struct Filter {
    int kernel, stride, dilation;
  };
  constexpr Size kSizes[] = {{16, 32}, {64, 8}, {480, 14}};
  constexpr Filter kFilters[] = {{3, 1, 1}, {3, 2, 1}, {5, 1, 1}, {5, 2, 1},
                                 {7, 1, 1}, {7, 2, 1}, {3, 1, 2}, {5, 1, 2}};
  std::vector<ConvSpec> specs;
  for (const int batch : {64, 1})
    for (const Size& size : kSizes)
      for (const Filter& filter : kFilters) {
        ConvSpec spec;
        spec.batch = batch;
        spec.in_channels = spec.out_channels = spec.groups = size.channels;
        spec.in_height = spec.in_width = size.pixels;
        spec.kernel = filter.kernel;
        spec.stride = filter.stride;
        spec.dilation = filter.dilation;
        spec.padding = filter.kernel / 2 * filter.dilation;
        specs.push_back(spec);
      }
  for (const auto& [channels, pixels, made] :
       {std::array{16, 32, 16}, {64, 8, 64}, {24, 56, 144}, {480, 14, 80}})
    specs.push_back({.batch = 64,
                     .in_channels = channels,
                     .in_height = pixels,
                     .in_width = pixels,
                     .out_channels = made});
  return specs;
}

// The tensors of a convolution.
struct Operands {
  Operands(Backend& backend, const ConvSpec& spec, std::size_t workspace_bytes)
      : x(backend, spec.in_count()),
        w(backend, spec.weight_count()),
        y(backend, spec.out_count()),
        scratch(backend, workspace_bytes),
        workspace{scratch.as<void>(), workspace_bytes} {}

  Zeros x, w, y;
  DeviceBytes scratch;
  Workspace workspace;
};

void run_own(Backend& backend, const ConvProblem& problem, const Operands& at) {
  const ConvSpec& spec = problem.spec;
  switch (problem.pass) {
    case ConvPass::forward:
      return backend.run(ConvForward{.spec = spec, .x = at.x.get(), .w = at.w.get(), .y = at.y.get()},
                         at.workspace);
    case ConvPass::backward_data:
      return backend.run(ConvBackwardData{.spec = spec, .dy = at.y.get(), .w = at.w.get(), .dx = at.x.get()},
                         at.workspace);
    case ConvPass::backward_weights:
      return backend.run(
          ConvBackwardWeights{.spec = spec, .x = at.x.get(), .dy = at.y.get(), .dw = at.w.get()},
          at.workspace);
  }
}

void run_cudnn(CudnnConv& conv, const ConvProblem& problem, const Operands& at) {
  switch (problem.pass) {
    case ConvPass::forward:
      return conv.run(problem, {.x = at.x.get(), .w = at.w.get()}, at.y.get(), at.workspace);
    case ConvPass::backward_data:
      return conv.run(problem, {.w = at.w.get(), .y = at.y.get()}, at.x.get(), at.workspace);
    case ConvPass::backward_weights:
      return conv.run(problem, {.x = at.x.get(), .y = at.y.get()}, at.w.get(), at.workspace);
  }
}

template <class Conv>
void register_conv(OwnAndCudnn& device, const ConvSpec& spec) {
  const ConvProblem problem{spec, Conv::kPass};
  const RecordedCall cost = Conv{.spec = spec}.cost();
  register_pass(device, cost, Implementation::own, [=, &device]() -> Prepared {
    const std::size_t bytes = device.backend->workspace_bytes(Conv{.spec = spec});
    const auto at = std::make_shared<Operands>(*device.backend, spec, bytes);
    return {[=, &device] { run_own(*device.backend, problem, *at); }, bytes};
  });
  register_pass(device, cost, Implementation::cudnn, [=, &device]() -> Prepared {
    const std::size_t bytes = device.conv.workspace_bytes(problem, Element::f32);
    const auto at = std::make_shared<Operands>(*device.backend, spec, bytes);
    return {[=, &device] { run_cudnn(device.conv, problem, *at); }, bytes};
  });
}

void register_convolutions(OwnAndCudnn& device) {
  for (const ConvSpec& spec : specs()) {
    register_conv<ConvForward>(device, spec);
    register_conv<ConvBackwardData>(device, spec);
    register_conv<ConvBackwardWeights>(device, spec);
  }
}

}  // namespace
}  // namespace rlnas::bench

int main(int argc, char** argv) {
  using namespace rlnas::bench;
  return guarded_main(argc, argv, [](std::vector<char*>& arguments) {
    RLNAS_CHECK(!on_cpu(), usage, "needs --device cuda[:N]: cuDNN has no CPU");
    std::unique_ptr<OwnAndCudnn> device;
    return run_benchmarks(arguments, [&] {
      measure();
      device = std::make_unique<OwnAndCudnn>();
      register_convolutions(*device);
      register_norm_and_pool(*device);
    });
  });
}
