#include "kernels/cuda/cudnn_norm_pool.h"

#include <algorithm>
#include <array>

#include "kernels/cuda/norm_staging.h"
#include "kernels/round_up.h"
#include "kernels/spec_checks.h"

namespace rlnas {
namespace {

constexpr std::size_t kAlign = 256;

// The workspace of both passes: a matrix [M,C], three vectors [C], cuDNN's scratch.
class NormWorkspace {
 public:
  NormWorkspace(const BatchNormSpec& spec, std::size_t cudnn_bytes)
      : vector_bytes_(round_up(std::size_t(spec.channels) * sizeof(float), kAlign)),
        matrix_bytes_(round_up(spec.count() * sizeof(float), kAlign)),
        cudnn_bytes_(cudnn_bytes) {}

  std::size_t bytes() const { return matrix_bytes_ + 3 * vector_bytes_ + cudnn_bytes_; }
  float* matrix(const Workspace& w) const { return static_cast<float*>(w.data); }
  float* gamma(const Workspace& w) const { return vector(w, 0); }
  float* dgamma(const Workspace& w) const { return vector(w, 1); }
  float* dbeta(const Workspace& w) const { return vector(w, 2); }
  void* scratch(const Workspace& w) const { return vector(w, 3); }

 private:
  float* vector(const Workspace& w, std::size_t i) const {
    return reinterpret_cast<float*>(static_cast<char*>(w.data) + matrix_bytes_ + i * vector_bytes_);
  }

  std::size_t vector_bytes_, matrix_bytes_, cudnn_bytes_;
};

void* input(const void* memory) {  // cuDNN's pointers are all of one type
  return const_cast<void*>(memory);
}

}  // namespace

CudnnNormPool::CudnnNormPool(const CudaOptions& options, GpuStream stream,
                             const std::function<void()>& before_planning)
    : stream_(stream),
      plans_(CudnnDevice::of_index(options.device), options, before_planning),
      handle_(stream) {}

std::size_t CudnnNormPool::norm_workspace_bytes(const BatchNormSpec& spec) {
  const std::size_t forward = plans_.norm(spec, Direction::forward).facts().workspace_bytes;
  const std::size_t backward = plans_.norm(spec, Direction::backward).facts().workspace_bytes;
  return NormWorkspace(spec, std::max(forward, backward)).bytes();
}

void CudnnNormPool::run(const BatchNormStatistics& call, Workspace workspace) {
  const auto& [spec, x, gamma, beta, running_mean, running_var, saved] = call;
  const CudnnPlan& plan = plans_.norm(spec, Direction::forward);
  const NormWorkspace parts(spec, plan.facts().workspace_bytes);
  check_workspace("batch norm", workspace, parts.bytes());
  float epsilon = spec.epsilon;
  // Nobody reads the normalised matrix, so any C numbers do as gamma and beta: the first row of x.
  const std::array<void*, 7> pointers = {input(x.data()), parts.matrix(workspace), saved.mean, saved.inv_std,
                                         input(x.data()), input(x.data()),         &epsilon};
  handle_.execute(plan, pointers, parts.scratch(workspace), "batch norm forward");
  norm_from_saved(spec, gamma, beta, running_mean, running_var, saved, stream_);
}

void CudnnNormPool::run(const BatchNormBackward& call, Workspace workspace) {
  const BatchNormSpec& spec = call.spec;
  const CudnnPlan& plan = plans_.norm(spec, Direction::backward);
  const NormWorkspace parts(spec, plan.facts().workspace_bytes);
  check_workspace("batch norm", workspace, parts.bytes());
  const float* dy = call.dy;
  if (call.dx.data() == dy) {  // cuDNN does not say that its result may lie on an operand
    copy_floats(spec.count(), dy, parts.matrix(workspace), stream_);
    dy = parts.matrix(workspace);
  }
  gamma_from_saved(spec, call.saved, parts.gamma(workspace), stream_);
  const std::array<void*, 8> pointers = {input(call.x.data()),
                                         input(dy),
                                         call.dx.data(),
                                         input(call.saved.mean),
                                         input(call.saved.inv_std),
                                         parts.gamma(workspace),
                                         call.dgamma != nullptr ? call.dgamma : parts.dgamma(workspace),
                                         call.dbeta != nullptr ? call.dbeta : parts.dbeta(workspace)};
  handle_.execute(plan, pointers, parts.scratch(workspace), "batch norm backward");
}

void CudnnNormPool::run(const AvgPoolForward& call) {
  const std::array<void*, 2> pointers = {input(call.x.data()), call.y.data()};
  handle_.execute(plans_.average(call.spec, Direction::forward), pointers, nullptr, "average pooling");
}

void CudnnNormPool::run(const AvgPoolBackward& call) {
  const std::array<void*, 2> pointers = {call.dx.data(), input(call.dy.data())};
  handle_.execute(plans_.average(call.spec, Direction::backward), pointers, nullptr,
                  "average pooling's gradient");
}

}  // namespace rlnas
