#include "bench/own_or_cudnn.h"

#include "bench/device.h"
#include "bench/device_copy.h"

namespace rlnas::bench {
namespace {

void time_pass(benchmark::State& state, OwnAndCudnn& device, const RecordedCall& cost,
               const std::function<Prepared()>& prepare) {
  try {
    const Prepared prepared = prepare();
    const auto run = [&](int) { prepared.run(); };
    seconds_a_call(*device.backend, 1, run);
    double call_s = 0.0;
    for (auto _ : state) {
      call_s = seconds_a_call(*device.backend, calls_a_timing(), run);
      state.SetIterationTime(call_s);
    }
    const double gbs = double(cost.bytes) / call_s / 1e9;
    state.counters["gb_per_s"] = gbs;
    state.counters["gflop_per_s"] = double(cost.flops) / call_s / 1e9;
    state.counters["copy_share"] = gbs / device_copy_gbs(*device.backend, std::size_t(cost.bytes));
    state.counters["workspace_kib"] = double(prepared.workspace_bytes) / 1024.0;
  } catch (const Error& error) {  // cuDNN has no plan for this one
    state.SkipWithError(error.what());
  }
}

}  // namespace

OwnAndCudnn::OwnAndCudnn()
    : backend(make_backend()),
      stream(static_cast<GpuStream>(backend->native_stream())),
      conv(cuda_options(), stream),
      norm_pool(make_cudnn_norm_pool(cuda_options(), stream)) {}

void register_pass(OwnAndCudnn& device, const RecordedCall& cost, Implementation implementation,
                   const std::function<Prepared()>& prepare) {
  const char* const name = implementation == Implementation::own ? "/own" : "/cudnn";
  benchmark::RegisterBenchmark(
      (cost.primitive + " " + cost.shape + name).c_str(),
      [=, &device](benchmark::State& state) { time_pass(state, device, cost, prepare); })
      ->Iterations(9)
      ->UseManualTime()
      ->Unit(benchmark::kMicrosecond);
}

}  // namespace rlnas::bench
