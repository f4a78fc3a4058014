// Depthwise convolutions of DARTS (32x32 images, batch 64) and MobileNet (224x224, batch 8): the forward
// pass, both gradients and all three, in us, GFLOP/s of the multiply-adds with every border counted, GB/s of
// activations read and written once, and the share of the limit, which is the longer of FLOPs at the FMA peak
// and bytes at the better of reading and copying over so many. Repeated on one set of operands, which a cache
// may hold. The same cases in PyTorch: baselines/pytorch_depthwise.py. `in_turns`: one pass by our kernel and
// by oneDNN's, in turns, where there are both; the median of their ratios is what conv_engine.cpp chooses by.
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
#include "kernels/cpu/conv_engine.h"
#include "kernels/cpu/depthwise_conv.h"
#include "kernels/cpu/parallel.h"

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
    const std::size_t bytes = std::max({backend_->workspace_bytes(ConvForward{.spec = spec}),
                                        backend_->workspace_bytes(ConvBackwardData{.spec = spec}),
                                        backend_->workspace_bytes(ConvBackwardWeights{.spec = spec})});
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
        return backend_->run(ConvForward{.spec = spec_, .x = x_, .w = w_, .y = y_}, workspace_);
      case ConvPass::backward_data:
        return backend_->run(ConvBackwardData{.spec = spec_, .dy = dy_, .w = w_, .dx = dx_}, workspace_);
      case ConvPass::backward_weights:
        return backend_->run(ConvBackwardWeights{.spec = spec_, .x = x_, .dy = dy_, .dw = dw_}, workspace_);
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

double median(std::vector<double> values) {
  const auto middle = values.begin() + std::ptrdiff_t(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

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
  const double median_ns = 1e9 * median(times_s), count = double(passes.size());
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

// One pass on its chunks, as ConvEngine runs it.
void run_pass(const ChunkedConv& conv, int threads, float* in_side, float* w, float* out_side,
              char* workspace) {
  const std::size_t batch = std::size_t(conv.spec.batch);
  const std::size_t in_image = conv.spec.in_count() / batch, out_image = conv.spec.out_count() / batch;
  const bool to_weights = conv.pass == ConvPass::backward_weights;
  if (!to_weights)
    parallel_try(threads, conv.weight_parts(),
                 [&](int, std::int64_t part) { conv.load_weights(int(part), w, workspace); });
  parallel_try(threads, conv.units(), [&](int thread, std::int64_t unit) {
    for (int chunk = conv.unit_begin(int(unit)); chunk < conv.unit_end(int(unit)); ++chunk) {
      const std::size_t first = std::size_t(conv.chunks.first(chunk));
      const ChunkRun at{thread, chunk,
                        workspace + conv.copies_bytes() + std::size_t(thread) * conv.scratch_bytes};
      float *const in_at = in_side + first * in_image, *const out_at = out_side + first * out_image;
      void* const weights = conv.copy_of(workspace, int(unit));
      switch (conv.pass) {
        case ConvPass::forward:
          conv.run_chunk(at, ForwardChunk{in_at, weights, out_at});
          break;
        case ConvPass::backward_data:
          conv.run_chunk(at, BackwardDataChunk{out_at, weights, in_at});
          break;
        case ConvPass::backward_weights:
          conv.run_chunk(at, BackwardWeightsChunk{in_at, out_at, weights});
          break;
      }
    }
  });
  if (to_weights)  // the copies' sum is left out: a thousandth of the pass
    parallel_try(threads, conv.weight_parts(),
                 [&](int, std::int64_t part) { conv.store_weights(int(part), workspace, w); });
}

void bench_in_turns(benchmark::State& state, const ConvSpec& spec, ConvPass pass, int threads) {
  OneDnn onednn(threads);
  const std::unique_ptr<ChunkedConv> own = make_depthwise_conv(spec, pass),
                                     other = onednn.make_conv(spec, pass);
  const auto memory = make_cpu_backend({.threads = threads});
  std::vector<void*> blocks;
  const auto block = [&](std::size_t bytes) {
    blocks.push_back(memory->allocate(bytes));
    memory->run(Fill{.count = bytes / sizeof(float), .value = 0.5f, .y = static_cast<float*>(blocks.back())});
    return blocks.back();
  };
  const auto floats = [&](std::size_t count) { return static_cast<float*>(block(count * sizeof(float))); };
  float *const in_side = floats(spec.in_count()), *const w = floats(spec.weight_count()),
               *const out_side = floats(spec.out_count());
  char* const workspace =
      static_cast<char*>(block(std::max(own->workspace_bytes(threads), other->workspace_bytes(threads))));
  std::vector<double> own_s, other_s, ratios;
  const auto timed = [&](const ChunkedConv& conv) {
    const Clock::time_point start = Clock::now();
    run_pass(conv, threads, in_side, w, out_side, workspace);
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  timed(*own), timed(*other);
  for (auto _ : state) {
    own_s.push_back(timed(*own));
    other_s.push_back(timed(*other));
    ratios.push_back(other_s.back() / own_s.back());
    state.SetIterationTime(own_s.back() + other_s.back());
  }
  for (void* const memory_block : blocks) memory->release(memory_block);
  state.counters["own_us"] = 1e6 * median(own_s);
  state.counters["onednn_us"] = 1e6 * median(other_s);
  state.counters["onednn_over_own"] = median(ratios);
  state.SetLabel(std::string("chosen: ") + ConvEngine(threads).implementation(spec, pass));
}

void register_all() {
  RLNAS_CHECK(on_cpu(), usage,
              "--device: this bench is of the CPU's kernels; rlnas_bench_own_or_cudnn has CUDA's");
  using enum ConvPass;
  using Passes = std::vector<ConvPass>;
  const std::vector<std::pair<std::string, Passes>> kinds = {
      {"all", {forward, backward_data, backward_weights}},
      {"forward", {forward}},
      {"backward_data", {backward_data}},
      {"backward_weights", {backward_weights}},
      {"in_turns/forward", {forward}},
      {"in_turns/backward_data", {backward_data}},
      {"in_turns/backward_weights", {backward_weights}}};
  for (const ConvSpec& spec : cases())
    for (const auto& [kind, passes] : kinds)
      for (const int threads : thread_counts()) {
        const bool in_turns = kind.starts_with("in_turns");
        if (in_turns && OneDnn(1).make_conv(spec, passes.front()) == nullptr) continue;
        std::string name = kind;
        for (const auto& [what, value] :
             {std::pair{"batch", spec.batch}, std::pair{"channels", spec.in_channels},
              std::pair{"image", spec.in_height}, std::pair{"kernel", spec.kernel},
              std::pair{"stride", spec.stride}, std::pair{"dilation", spec.dilation},
              std::pair{"threads", threads}})
          name += std::string("/") + what + ":" + std::to_string(value);
        benchmark::RegisterBenchmark(
            name.c_str(),
            [spec = spec, passes = passes, threads, in_turns](benchmark::State& state) {
              if (in_turns)
                bench_in_turns(state, spec, passes.front(), threads);
              else
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
