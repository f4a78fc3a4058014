// What the parts of rlnas_bench_own_or_cudnn share: one device with both implementations on its stream, and
// how a call is timed.
#pragma once

#include <benchmark/benchmark.h>

#include <functional>
#include <memory>
#include <string>

#include "engine/device_bytes.h"
#include "kernels/cuda/cudnn_conv.h"
#include "kernels/cuda/norm_pool.h"
#include "rlnas/recorded_call.hpp"

namespace rlnas::bench {

enum class Implementation { own, cudnn };

// The backend runs the own kernels of these problems; cuDNN is beside it.
struct OwnAndCudnn {
  OwnAndCudnn();

  std::unique_ptr<Backend> backend;
  GpuStream stream;
  CudnnConv conv;
  std::unique_ptr<NormPool> norm_pool;
};

// `count` floats on the device, all zeros: no time here depends on them.
class Zeros {
 public:
  Zeros(Backend& backend, std::size_t count) : bytes_(backend, count * sizeof(float)) {
    backend.run(Fill{.count = count, .value = 0.0f, .y = get()});
  }
  float* get() const { return bytes_.as<float>(); }

 private:
  DeviceBytes bytes_;
};

// Registers "CALL SHAPE/own" or "/cudnn". `prepare` gives the call to be timed; what it throws skips the
// benchmark.
struct Prepared {
  std::function<void()> run;
  std::size_t workspace_bytes = 0;
};
void register_pass(OwnAndCudnn& device, const RecordedCall& cost, Implementation implementation,
                   const std::function<Prepared()>& prepare);

void register_norm_and_pool(OwnAndCudnn& device);

}  // namespace rlnas::bench
