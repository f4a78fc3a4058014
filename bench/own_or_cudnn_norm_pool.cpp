// Batch norm and average pooling by own kernels and by cuDNN (--norm-and-pool), where cuDNN takes the
// problem.
#include "bench/own_or_cudnn.h"

namespace rlnas::bench {
namespace {

// [M,C] of the NAS-Bench-201 SuperNet at batch 64, and of wider networks.
constexpr BatchNormSpec kNorms[] = {
    {.rows = 64 * 32 * 32, .channels = 16}, {.rows = 64 * 16 * 16, .channels = 32},
    {.rows = 64 * 8 * 8, .channels = 64},   {.rows = 64 * 14 * 14, .channels = 480},
    {.rows = 64 * 56 * 56, .channels = 64}, {.rows = 8 * 8, .channels = 64}};
// {batch, channels, height, width, kernel, stride, padding}
constexpr PoolSpec kPools[] = {{64, 16, 32, 32, 3, 1, 1}, {64, 32, 16, 16, 3, 1, 1}, {64, 64, 8, 8, 3, 1, 1},
                               {64, 16, 32, 32, 2, 2, 0}, {64, 48, 28, 28, 3, 2, 1}, {1, 64, 8, 8, 3, 1, 1}};

struct NormOperands {
  NormOperands(Backend& backend, const BatchNormSpec& spec, std::size_t workspace_bytes)
      : x(backend, spec.count()),
        dy(backend, spec.count()),
        dx(backend, spec.count()),
        channels(backend, std::size_t(spec.channels) * 10),
        scratch(backend, workspace_bytes),
        workspace{scratch.as<void>(), workspace_bytes} {}

  float* vector(const BatchNormSpec& spec, int index) const { return channels.get() + index * spec.channels; }

  Zeros x, dy, dx, channels;
  DeviceBytes scratch;
  Workspace workspace;
};

std::size_t norm_workspace_bytes(Backend& own, const BatchNormSpec& spec) {
  return own.workspace_bytes(BatchNormBackward{.spec = spec});
}

std::size_t norm_workspace_bytes(NormPool& cudnn, const BatchNormSpec& spec) {
  return cudnn.norm_workspace_bytes(spec, Element::f32);
}

// Own: the backend; cuDNN: its twin, with the same run().
template <class Library>
void register_norm(OwnAndCudnn& device, Library& library, Implementation implementation,
                   const BatchNormSpec& spec) {
  const auto registered = [&](const RecordedCall& cost, const auto& call_on) {
    register_pass(device, cost, implementation, [=, &device, &library]() -> Prepared {
      const std::size_t bytes = norm_workspace_bytes(library, spec);
      const auto at = std::make_shared<NormOperands>(*device.backend, spec, bytes);
      const auto call = call_on(*at, BatchNormSaved::at(at->channels.get(), spec.channels));
      return {[=, &library] { library.run(call, at->workspace); }, bytes};
    });
  };
  registered(BatchNormStatistics{.spec = spec}.cost(), [=](const NormOperands& at, BatchNormSaved saved) {
    return BatchNormStatistics{.spec = spec,
                               .x = at.x.get(),
                               .gamma = at.vector(spec, 4),
                               .beta = at.vector(spec, 5),
                               .running_mean = at.vector(spec, 6),
                               .running_var = at.vector(spec, 7),
                               .saved = saved};
  });
  registered(BatchNormBackward{.spec = spec}.cost(), [=](const NormOperands& at, BatchNormSaved saved) {
    return BatchNormBackward{.spec = spec,
                             .x = at.x.get(),
                             .dy = at.dy.get(),
                             .saved = saved,
                             .dx = at.dx.get(),
                             .dgamma = at.vector(spec, 8),
                             .dbeta = at.vector(spec, 9)};
  });
}

struct PoolOperands {
  PoolOperands(Backend& backend, const PoolSpec& spec)
      : x(backend, spec.in_count()), y(backend, spec.out_count()) {}
  Zeros x, y;
};

// call_on(operands) -> the primitive
template <class CallOn>
void register_pool(OwnAndCudnn& device, const RecordedCall& cost, const PoolSpec& spec, Direction direction,
                   const CallOn& call_on) {
  if (!device.norm_pool->takes(spec, direction, Store::overwrite)) return;
  const auto registered = [&](auto& library, Implementation implementation) {
    register_pass(device, cost, implementation, [=, &device, &library]() -> Prepared {
      const auto at = std::make_shared<PoolOperands>(*device.backend, spec);
      return {[at, &library, call = call_on(*at)] { library.run(call); }, 0};
    });
  };
  registered(*device.backend, Implementation::own);
  registered(*device.norm_pool, Implementation::cudnn);
}

}  // namespace

void register_norm_and_pool(OwnAndCudnn& device) {
  for (const BatchNormSpec& spec : kNorms) {
    register_norm(device, *device.backend, Implementation::own, spec);
    register_norm(device, *device.norm_pool, Implementation::cudnn, spec);
  }
  for (const PoolSpec& spec : kPools) {
    register_pool(device, AvgPoolForward{.spec = spec}.cost(), spec, Direction::forward,
                  [spec](const PoolOperands& at) {
                    return AvgPoolForward{.spec = spec, .x = at.x.get(), .y = at.y.get()};
                  });
    register_pool(device, AvgPoolBackward{.spec = spec}.cost(), spec, Direction::backward,
                  [spec](const PoolOperands& at) {
                    return AvgPoolBackward{.spec = spec, .dy = at.y.get(), .dx = at.x.get()};
                  });
  }
}

}  // namespace rlnas::bench
