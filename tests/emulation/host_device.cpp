// What CudaBackend is without a device: host memory, with the primitives that CUDA's libraries do for it done
// by the reference. Everything else is the real source, kernels/cuda/*.cu.
#include "tests/emulation/host_device.h"

#include <array>
#include <vector>

#include "kernels/cuda/block_counters.h"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/depthwise.h"
#include "kernels/cuda/linear_bias.h"
#include "kernels/ref/ref_backend.h"

namespace rlnas {

std::size_t& emulation::allocation_offset() {
  static std::size_t offset = 0;
  return offset;
}

struct CudaDevice {
  RefBackend libraries;
  std::array<unsigned, kBlockCounters> counters{};
};

CudaBackend::CudaBackend(const CudaOptions& options)
    : options_(options), device_(std::make_unique<CudaDevice>()), counters_(device_->counters.data()) {}
CudaBackend::~CudaBackend() = default;

std::string CudaBackend::description() const {
  return "own CUDA kernels, emulated";
}
void CudaBackend::begin_stage(const char*, Direction) {}

void* CudaBackend::allocate(std::size_t bytes) {
  const std::size_t offset = emulation::allocation_offset();
  return static_cast<char*>(device_->libraries.allocate(bytes + offset)) + offset;
}
void CudaBackend::release(void* memory) noexcept {
  device_->libraries.release(static_cast<char*>(memory) - emulation::allocation_offset());
}
void CudaBackend::upload(void* device, const void* host, std::size_t bytes) {
  device_->libraries.upload(device, host, bytes);
}
void CudaBackend::download(void* host, const void* device, std::size_t bytes) {
  device_->libraries.download(host, device, bytes);
}
void CudaBackend::expect_uploads(std::size_t) {}
void CudaBackend::synchronize() {}
Element CudaBackend::activation_type() const {
  return Element::f32;
}
std::unique_ptr<Readback> CudaBackend::make_readback(std::size_t bytes) {
  return Device::make_readback(bytes);
}

bool CudaBackend::multiplies(const ConvSpec&) const {
  return false;
}
std::size_t CudaBackend::workspace_bytes(const ConvForward&) {
  return 0;
}
std::size_t CudaBackend::workspace_bytes(const ConvBackwardData& call) {
  return data_gradient_workspace_bytes(call.spec, call.dy.element(), Store::overwrite);
}
std::size_t CudaBackend::workspace_bytes(const ConvBackwardWeights& call) {
  return is_depthwise(call.spec) ? depthwise_gradients_workspace_bytes(call.spec) : 0;
}
void CudaBackend::run(const ConvForward& call, Workspace workspace) {
  if (is_depthwise(call.spec)) return depthwise_forward(call.spec, {.x = call.x}, call.w, call.y, stream_);
  device_->libraries.run(call, workspace);
}
void CudaBackend::run(const ConvBackwardData& call, Workspace workspace) {
  data_gradient(call, Store::overwrite, workspace);
}
void CudaBackend::run(const ConvBackwardWeights& call, Workspace workspace) {
  if (is_depthwise(call.spec))
    return depthwise_gradients(call.spec, {.dz = call.dy}, nullptr, {.x = call.x}, {.dw = call.dw}, workspace,
                               counters_, stream_);
  device_->libraries.run(call, workspace);
}
std::size_t CudaBackend::data_gradient_workspace_bytes(const ConvSpec& spec, Element, Store) {
  return is_depthwise(spec) ? depthwise_gradients_workspace_bytes(spec) : 0;
}
void CudaBackend::data_gradient(const ConvBackwardData& call, Store store, Workspace workspace) {
  const ConvSpec& spec = call.spec;
  if (is_depthwise(spec))
    return depthwise_gradients(spec, {.dz = call.dy}, call.w, {}, {.dx = call.dx, .store = store}, workspace,
                               counters_, stream_);
  std::vector<float> memory(spec.in_count());  // as floats, which may be more than it takes
  const Values dx(memory.data(), call.dx.element());
  device_->libraries.run(ConvBackwardData{.spec = spec, .dy = call.dy, .w = call.w, .dx = dx});
  device_->libraries.run(Add{.count = spec.in_count(), .x = dx, .y = call.dx, .store = store});
}

void CudaBackend::run(const LinearForward& call, Workspace) {
  device_->libraries.run(LinearForward{.spec = call.spec, .x = call.x, .w = call.w, .y = call.y});
  if (call.bias != nullptr) add_bias(call.spec, call.bias, call.y, stream_);
}
void CudaBackend::run(const LinearBackwardData& call, Workspace) {
  device_->libraries.run(call);
}
void CudaBackend::run(const LinearBackwardWeights& call, Workspace) {
  device_->libraries.run(LinearBackwardWeights{.spec = call.spec, .x = call.x, .dy = call.dy, .dw = call.dw});
  if (call.dbias != nullptr) bias_gradient(call.spec, call.dy, call.dbias, stream_);
}

}  // namespace rlnas
