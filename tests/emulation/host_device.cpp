// What CudaBackend is without a device: host memory, with the primitives that CUDA's libraries do for it done
// by the reference. Everything else is the real source, kernels/cuda/*.cu.
#include "tests/emulation/host_device.h"

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
};

CudaBackend::CudaBackend(const CudaOptions& options)
    : options_(options), device_(std::make_unique<CudaDevice>()) {}
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
void CudaBackend::synchronize() {}
std::unique_ptr<Readback> CudaBackend::make_readback(std::size_t bytes) {
  return Backend::make_readback(bytes);
}

std::size_t CudaBackend::conv_workspace_bytes(const ConvSpec& spec, ConvPass pass) {
  return is_depthwise(spec) ? depthwise_workspace_bytes(spec, pass) : 0;
}
void CudaBackend::conv_forward(const ConvSpec& spec, const float* x, const float* w, float* y,
                               Workspace workspace) {
  if (is_depthwise(spec)) return depthwise_forward(spec, x, w, y, stream_);
  device_->libraries.conv_forward(spec, x, w, y, workspace);
}
void CudaBackend::conv_backward_data(const ConvSpec& spec, const float* dy, const float* w, float* dx,
                                     Workspace workspace) {
  if (is_depthwise(spec)) return depthwise_backward_data(spec, dy, w, dx, stream_);
  device_->libraries.conv_backward_data(spec, dy, w, dx, workspace);
}
void CudaBackend::conv_backward_weights(const ConvSpec& spec, const float* x, const float* dy, float* dw,
                                        Workspace workspace) {
  if (is_depthwise(spec)) return depthwise_backward_weights(spec, x, dy, dw, workspace, stream_);
  device_->libraries.conv_backward_weights(spec, x, dy, dw, workspace);
}

void CudaBackend::linear_forward(const LinearSpec& spec, const float* x, const float* w, const float* bias,
                                 float* y) {
  device_->libraries.linear_forward(spec, x, w, nullptr, y);
  if (bias != nullptr) add_bias(spec, bias, y, stream_);
}
void CudaBackend::linear_backward_data(const LinearSpec& spec, const float* dy, const float* w, float* dx) {
  device_->libraries.linear_backward_data(spec, dy, w, dx);
}
void CudaBackend::linear_backward_weights(const LinearSpec& spec, const float* x, const float* dy, float* dw,
                                          float* dbias) {
  device_->libraries.linear_backward_weights(spec, x, dy, dw, nullptr);
  if (dbias != nullptr) bias_gradient(spec, dy, dbias, stream_);
}

}  // namespace rlnas
