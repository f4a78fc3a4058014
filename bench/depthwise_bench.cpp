// Depthwise convolutions of DARTS (32x32 images, batch 64) and MobileNet (224x224, batch 8): the forward
// pass, both gradients and all three, in us, GFLOP/s of the multiply-adds with every border counted, GB/s of
// activations read and written once, and the share of the limit, which is the longer of FLOPs at the FMA peak
// and bytes at the better of reading and copying over so many. Repeated on one set of operands, which a cache
// may hold. The same cases in PyTorch: baselines/pytorch_depthwise.py.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "bench/device.h"
#include "bench/machine.h"
#include "kernels/backend.h"

namespace rlnas::bench {
namespace {

using Clock = std::chrono::steady_clock;

ConvSpec depthwise(int batch, int channels, int image, int kernel, int stride, int dilation) {
  return {batch,    channels, image, image, channels, kernel, stride, dilation * (kernel - 1) / 2,
          dilation, channels};
}

std::vector<ConvSpec> cases() {
  std::vector<ConvSpec> all;
  for (const int stage : {0, 1, 2})
    for (const int stride : {1, 2})
      for (const int dilation : {1, 2})
        for (const int kernel : {3, 5})
          all.push_back(depthwise(64, 16 << stage, 32 >> stage, kernel, stride, dilation));
  for (const int kernel : {3, 5, 7}) {
    all.push_back(depthwise(8, 96, 112, kernel, 2, 1));
    all.push_back(depthwise(8, 144, 56, kernel, 1, 1));
    all.push_back(depthwise(8, 240, 28, kernel, 1, 1));
    all.push_back(depthwise(8, 480, 14, kernel, 1, 1));
    all.push_back(depthwise(8, 1152, 7, kernel, 1, 1));
  }
  return all;
}

// Operands of one convolution on a backend; everything is released with it.
class Operands {
 public:
  Operands(const ConvSpec& spec, int threads)
      : spec_(spec),
        backend_(make_cpu_backend({.threads = threads})),
        x_(floats(spec.in_count())),
        w_(floats(spec.weight_count())),
        dy_(floats(spec.out_count())),
        y_(floats(spec.out_count())),
        dx_(floats(spec.in_count())),
        dw_(floats(spec.weight_count())) {
    std::size_t bytes = 0;
    for (const ConvPass pass : {ConvPass::forward, ConvPass::backward_data, ConvPass::backward_weights})
      bytes = std::max(bytes, backend_->conv_workspace_bytes(spec, pass));
    workspace_ = {floats(bytes / sizeof(float) + 1), bytes};
  }
  ~Operands() {
    for (float* const memory : memory_) backend_->release(memory);
  }
  Operands(const Operands&) = delete;
  Operands& operator=(const Operands&) = delete;

  void run(ConvPass pass) {
    switch (pass) {
      case ConvPass::forward:
        return backend_->conv_forward(spec_, x_, w_, y_, workspace_);
      case ConvPass::backward_data:
        return backend_->conv_backward_data(spec_, dy_, w_, dx_, workspace_);
      case ConvPass::backward_weights:
        return backend_->conv_backward_weights(spec_, x_, dy_, dw_, workspace_);
    }
  }

 private:
  // Small numbers that differ.
  float* floats(std::size_t count) {
    memory_.push_back(static_cast<float*>(backend_->allocate(count * sizeof(float))));
    for (std::size_t i = 0; i < count; ++i) memory_.back()[i] = 1e-3f * float(i * 7 % 977) - 0.488f;
    return memory_.back();
  }

  ConvSpec spec_;
  std::unique_ptr<Backend> backend_;
  std::vector<float*> memory_;
  float *x_, *w_, *dy_, *y_, *dx_, *dw_;
  Workspace workspace_;
};

void bench_passes(benchmark::State& state, const ConvSpec& spec, const std::vector<ConvPass>& passes,
                  int threads) {
  Operands operands(spec, threads);
  std::vector<double> times_s;
  const auto run = [&] {
    const Clock::time_point start = Clock::now();
    for (const ConvPass pass : passes) operands.run(pass);
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  run();
  for (auto _ : state) {
    times_s.push_back(run());
    state.SetIterationTime(times_s.back());
  }
  std::nth_element(times_s.begin(), times_s.begin() + std::ptrdiff_t(times_s.size() / 2), times_s.end());
  const double median_ns = 1e9 * times_s[times_s.size() / 2], count = double(passes.size());
  const double flops = 2.0 * double(spec.macs()) * count;
  const std::size_t bytes = (spec.in_count() + spec.out_count()) * sizeof(float);
  const double gbs = std::max(read_bandwidth_gbs(threads, bytes), copy_bandwidth_gbs(threads, bytes));
  const double by_flops = flops / machine(threads).peaks.fma_gflops, by_bytes = count * double(bytes) / gbs;
  state.counters["median_us"] = 1e-3 * median_ns;
  state.counters["gflop_per_s"] = flops / median_ns;
  state.counters["gb_per_s"] = count * double(bytes) / median_ns;
  state.counters["limit_share"] = std::max(by_flops, by_bytes) / median_ns;
  state.SetLabel(by_flops >= by_bytes ? "flops bound" : "bytes bound");
}

void register_all() {
  RLNAS_CHECK(on_cpu(), usage,
              "--device: this bench is of the CPU's kernels; rlnas_bench_own_or_cudnn has CUDA's");
  using enum ConvPass;
  const std::vector<std::pair<const char*, std::vector<ConvPass>>> kinds = {
      {"all", {forward, backward_data, backward_weights}},
      {"forward", {forward}},
      {"backward_data", {backward_data}},
      {"backward_weights", {backward_weights}}};
  for (const ConvSpec& spec : cases())
    for (const auto& [kind, passes] : kinds)
      for (const int threads : thread_counts()) {
        std::string name = kind;
        for (const auto& [what, value] :
             {std::pair{"batch", spec.batch}, std::pair{"channels", spec.in_channels},
              std::pair{"image", spec.in_height}, std::pair{"kernel", spec.kernel},
              std::pair{"stride", spec.stride}, std::pair{"dilation", spec.dilation},
              std::pair{"threads", threads}})
          name += std::string("/") + what + ":" + std::to_string(value);
        benchmark::RegisterBenchmark(name.c_str(),
                                     [spec = spec, passes = passes, threads](benchmark::State& state) {
                                       bench_passes(state, spec, passes, threads);
                                     })
            ->MinTime(0.05)
            ->UseManualTime()
            ->Unit(benchmark::kMicrosecond);
      }
}

}  // namespace
}  // namespace rlnas::bench

int main(int argc, char** argv) {
  return rlnas::bench::bench_main(argc, argv, rlnas::bench::register_all);
}
