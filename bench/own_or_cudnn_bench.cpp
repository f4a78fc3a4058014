// The choices that kernels/cuda made for its own kernels over cuDNN's, to be decided on a GPU: each depthwise
// convolution pass by the own kernel and by cuDNN's best plan, side by side. Dilated 3x3 and 5x5 are those of
// DARTS, 5x5 and 7x7 those of MobileNet. Shares are of the device's copy bandwidth over as many bytes.
// Needs --device cuda[:N].
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "bench/device.h"
#include "bench/device_copy.h"
#include "bench/machine.h"
#include "engine/device_bytes.h"
#include "kernels/call_cost.h"
#include "kernels/cuda/cudnn_conv.h"
#include "kernels/cuda/depthwise.h"

namespace rlnas::bench {
namespace {

enum class Implementation { own, cudnn };

const char* name_of(Implementation implementation) {
  return implementation == Implementation::own ? "own" : "cudnn";
}

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
  return specs;
}

// The tensors of a convolution, all zeros: the time does not depend on them.
class Operands {
 public:
  Operands(Backend& backend, const ConvSpec& spec)
      : x_(backend, spec.in_count() * sizeof(float)),
        w_(backend, spec.weight_count() * sizeof(float)),
        y_(backend, spec.out_count() * sizeof(float)) {
    backend.fill(spec.in_count(), 0.0f, x());
    backend.fill(spec.weight_count(), 0.0f, w());
    backend.fill(spec.out_count(), 0.0f, y());
  }
  float* x() const { return x_.as<float>(); }
  float* w() const { return w_.as<float>(); }
  float* y() const { return y_.as<float>(); }

 private:
  DeviceBytes x_, w_, y_;
};

void run_own(const ConvProblem& problem, const Operands& at, Workspace workspace, GpuStream stream) {
  const ConvSpec& spec = problem.spec;
  switch (problem.pass) {
    case ConvPass::forward:
      return depthwise_forward(spec, at.x(), at.w(), at.y(), stream);
    case ConvPass::backward_data:
      return depthwise_backward_data(spec, at.y(), at.w(), at.x(), stream);
    case ConvPass::backward_weights:
      return depthwise_backward_weights(spec, at.x(), at.y(), at.w(), workspace, stream);
  }
}

void run_cudnn(CudnnConv& conv, const ConvProblem& problem, const Operands& at, Workspace workspace) {
  switch (problem.pass) {
    case ConvPass::forward:
      return conv.run(problem, {.x = at.x(), .w = at.w()}, at.y(), workspace);
    case ConvPass::backward_data:
      return conv.run(problem, {.w = at.w(), .y = at.y()}, at.x(), workspace);
    case ConvPass::backward_weights:
      return conv.run(problem, {.x = at.x(), .y = at.y()}, at.w(), workspace);
  }
}

// A device that the benchmarks share, and cuDNN on its stream: the backend has own kernels for these specs.
struct Device {
  std::unique_ptr<Backend> backend = make_backend();
  GpuStream stream = static_cast<GpuStream>(backend->native_stream());
  CudnnConv conv = CudnnConv(cuda_options(), stream);
};

void bench_pass(benchmark::State& state, Device& device, const ConvProblem& problem,
                Implementation implementation) {
  const bool own = implementation == Implementation::own;
  try {
    const Operands operands(*device.backend, problem.spec);
    const std::size_t bytes =
        own ? depthwise_workspace_bytes(problem.spec, problem.pass) : device.conv.workspace_bytes(problem);
    const DeviceBytes memory(*device.backend, bytes);
    const Workspace workspace{memory.as<void>(), bytes};
    const auto run = [&](int) {
      if (own)
        run_own(problem, operands, workspace, device.stream);
      else
        run_cudnn(device.conv, problem, operands, workspace);
    };
    seconds_a_call(*device.backend, 1, run);
    double call_s = 0.0;
    for (auto _ : state) {
      call_s = seconds_a_call(*device.backend, calls_a_timing(), run);
      state.SetIterationTime(call_s);
    }
    const RecordedCall cost = calls::conv(problem.spec, problem.pass);
    const double gbs = double(cost.bytes) / call_s / 1e9;
    state.counters["gb_per_s"] = gbs;
    state.counters["gflop_per_s"] = double(cost.flops) / call_s / 1e9;
    state.counters["copy_share"] = gbs / device_copy_gbs(*device.backend, std::size_t(cost.bytes));
    state.counters["workspace_kib"] = double(bytes) / 1024.0;
  } catch (const Error& error) {  // cuDNN has no plan for this one
    state.SkipWithError(error.what());
  }
}

void register_all(Device& device) {
  for (const ConvSpec& spec : specs())
    for (const ConvPass pass : {ConvPass::forward, ConvPass::backward_data, ConvPass::backward_weights})
      for (const Implementation implementation : {Implementation::own, Implementation::cudnn}) {
        const ConvProblem problem{spec, pass};
        const RecordedCall call = calls::conv(spec, pass);
        const std::string name = call.primitive + " " + call.shape + "/" + name_of(implementation);
        benchmark::RegisterBenchmark(
            name.c_str(),
            [=, &device](benchmark::State& state) { bench_pass(state, device, problem, implementation); })
            ->Iterations(9)
            ->UseManualTime()
            ->Unit(benchmark::kMicrosecond);
      }
}

}  // namespace
}  // namespace rlnas::bench

int main(int argc, char** argv) {
  using namespace rlnas::bench;
  return guarded_main(argc, argv, [](std::vector<char*>& arguments) {
    RLNAS_CHECK(!on_cpu(), usage, "needs --device cuda[:N]: cuDNN has no CPU");
    std::unique_ptr<Device> device;
    return run_benchmarks(arguments, [&] {
      measure();
      device = std::make_unique<Device>();
      register_all(*device);
    });
  });
}
