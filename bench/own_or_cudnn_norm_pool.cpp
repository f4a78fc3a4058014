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

// Own: the backend; cuDNN: its twin, with functions of the same names.
template <class Library>
void register_norm(OwnAndCudnn& device, Library& library, Implementation implementation,
                   const BatchNormSpec& spec) {
  const auto prepare = [=, &device, &library](const auto& call) -> Prepared {
    const std::size_t bytes = library.batch_norm_workspace_bytes(spec);
    const auto at = std::make_shared<NormOperands>(*device.backend, spec, bytes);
    const BatchNormSaved saved = BatchNormSaved::at(at->channels.get(), spec.channels);
    return {[=] { call(*at, saved); }, bytes};
  };
  register_pass(device, calls::batch_norm_statistics(spec), implementation, [=, &library] {
    return prepare([spec, &library](const NormOperands& at, const BatchNormSaved& saved) {
      library.batch_norm_statistics(spec, at.x.get(), at.vector(spec, 4), at.vector(spec, 5),
                                    at.vector(spec, 6), at.vector(spec, 7), saved, at.workspace);
    });
  });
  register_pass(device, calls::batch_norm_backward(spec), implementation, [=, &library] {
    return prepare([spec, &library](const NormOperands& at, const BatchNormSaved& saved) {
      library.batch_norm_backward(spec, at.x.get(), at.dy.get(), saved, at.dx.get(), at.vector(spec, 8),
                                  at.vector(spec, 9), at.workspace);
    });
  });
}

struct PoolOperands {
  PoolOperands(Backend& backend, const PoolSpec& spec)
      : x(backend, spec.in_count()), y(backend, spec.out_count()) {}
  Zeros x, y;
};

// call(backend or cuDNN's twin of it, operands)
template <class Call>
void register_pool(OwnAndCudnn& device, const RecordedCall& cost, const PoolSpec& spec, Direction direction,
                   const Call& call) {
  if (!device.norm_pool.takes(spec, direction, Store::overwrite)) return;
  const auto registered = [&](auto& library, Implementation implementation) {
    register_pass(device, cost, implementation, [=, &device, &library]() -> Prepared {
      const auto at = std::make_shared<PoolOperands>(*device.backend, spec);
      return {[=, &library] { call(library, *at); }, 0};
    });
  };
  registered(*device.backend, Implementation::own);
  registered(device.norm_pool, Implementation::cudnn);
}

}  // namespace

void register_norm_and_pool(OwnAndCudnn& device) {
  for (const BatchNormSpec& spec : kNorms) {
    register_norm(device, *device.backend, Implementation::own, spec);
    register_norm(device, device.norm_pool, Implementation::cudnn, spec);
  }
  for (const PoolSpec& spec : kPools) {
    register_pool(device, calls::avg_pool_forward(spec), spec, Direction::forward,
                  [spec](auto& library, const PoolOperands& at) {
                    library.avg_pool_forward(spec, at.x.get(), at.y.get());
                  });
    register_pool(device, calls::avg_pool_backward(spec, Store::overwrite), spec, Direction::backward,
                  [spec](auto& library, const PoolOperands& at) {
                    if constexpr (std::is_base_of_v<Backend, std::remove_reference_t<decltype(library)>>)
                      library.avg_pool_backward(spec, at.y.get(), at.x.get(), Store::overwrite);
                    else
                      library.avg_pool_backward(spec, at.y.get(), at.x.get());
                  });
  }
}

}  // namespace rlnas::bench
