// cuDNN takes one number fewer than the interface hands on: small own kernels (norm_staging.h) make scale,
// shift and running statistics of its mean and deviation, and gamma of scale.
#include <algorithm>
#include <array>

#include "kernels/cuda/cudnn_handle.h"
#include "kernels/cuda/norm_pool.h"
#include "kernels/cuda/norm_pool_plans.h"
#include "kernels/cuda/norm_staging.h"
#include "kernels/round_up.h"
#include "kernels/spec_checks.h"

namespace rlnas {
namespace {

// What a norm's workspace holds before cuDNN's scratch, of both passes: a matrix [M,C], three vectors [C].
// Where vector i begins.
std::size_t vector_at(const BatchNormSpec& spec, Element element, std::size_t i) {
  constexpr std::size_t kAlign = 256;
  return round_up(spec.count() * size_of(element), kAlign) +
         i * round_up(std::size_t(spec.channels) * sizeof(float), kAlign);
}

void* input(const void* memory) {  // cuDNN's pointers are all of one type
  return const_cast<void*>(memory);
}

class CudnnNormPool final : public NormPool {
 public:
  CudnnNormPool(const CudaOptions& options, GpuStream stream, const std::function<void()>& before_planning)
      : stream_(stream),
        plans_(CudnnDevice::of_index(options.device), options, before_planning),
        handle_(stream) {}

  bool takes(const BatchNormSpec& spec, Element element) const override {
    return plans_.takes(spec, element);
  }
  bool takes(const PoolSpec& spec, Direction direction, Store store) const override {
    return plans_.takes(spec, direction, store);
  }

  std::size_t norm_workspace_bytes(const BatchNormSpec& spec, Element element) override {
    const auto scratch = [&](Direction d) { return plans_.norm(spec, d, element).facts().workspace_bytes; };
    return vector_at(spec, element, 3) + std::max(scratch(Direction::forward), scratch(Direction::backward));
  }

  void run(const BatchNormStatistics& call, Workspace workspace) override {
    const auto& [spec, x, gamma, beta, running_mean, running_var, saved] = call;
    float epsilon = spec.epsilon;
    // Nobody reads the normalised matrix, so any C numbers do as gamma and beta.
    const std::array<void*, 7> pointers = {input(x.data()), workspace.data, saved.mean, saved.inv_std,
                                           running_mean,    running_mean,   &epsilon};
    execute_norm(spec, Direction::forward, x.element(), pointers, workspace);
    norm_from_saved(spec, gamma, beta, running_mean, running_var, saved, stream_);
  }

  void run(const BatchNormBackward& call, Workspace workspace) override {
    const BatchNormSpec& spec = call.spec;
    const Element element = call.x.element();
    check_workspace("batch norm", workspace, norm_workspace_bytes(spec, element));
    const auto vector = [&](std::size_t i) {
      return reinterpret_cast<float*>(static_cast<char*>(workspace.data) + vector_at(spec, element, i));
    };
    const bool aliased = call.dx == call.dy;  // cuDNN does not say that its result may lie on an operand
    if (aliased) copy_values(spec.count(), call.dy, {workspace.data, element}, stream_);
    gamma_from_saved(spec, call.saved, vector(0), stream_);
    const std::array<void*, 8> pointers = {input(call.x.data()),
                                           aliased ? workspace.data : input(call.dy.data()),
                                           call.dx.data(),
                                           input(call.saved.mean),
                                           input(call.saved.inv_std),
                                           vector(0),
                                           call.dgamma != nullptr ? call.dgamma : vector(1),
                                           call.dbeta != nullptr ? call.dbeta : vector(2)};
    execute_norm(spec, Direction::backward, element, pointers, workspace);
  }

  void run(const AvgPoolForward& call) override {
    const std::array<void*, 2> pointers = {input(call.x.data()), call.y.data()};
    handle_.execute(plans_.average(call.spec, Direction::forward, call.x.element()), pointers, nullptr,
                    "average pooling");
  }
  void run(const AvgPoolBackward& call) override {
    const std::array<void*, 2> pointers = {call.dx.data(), input(call.dy.data())};
    handle_.execute(plans_.average(call.spec, Direction::backward, call.dx.element()), pointers, nullptr,
                    "average pooling's gradient");
  }

 private:
  void execute_norm(const BatchNormSpec& spec, Direction direction, Element element,
                    std::span<void* const> pointers, Workspace workspace) {
    check_workspace("batch norm", workspace, norm_workspace_bytes(spec, element));
    handle_.execute(plans_.norm(spec, direction, element), pointers,
                    static_cast<char*>(workspace.data) + vector_at(spec, element, 3),
                    direction == Direction::forward ? "batch norm forward" : "batch norm backward");
  }

  GpuStream stream_;
  NormPoolPlans plans_;
  CudnnHandle handle_;
};

}  // namespace

std::unique_ptr<NormPool> make_cudnn_norm_pool(const CudaOptions& options, GpuStream stream,
                                               const std::function<void()>& before_planning) {
  return std::make_unique<CudnnNormPool>(options, stream, before_planning);
}

}  // namespace rlnas
