// Small results that the host reads when it wants them, without holding up what it queues next.
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/cuda_device.h"

namespace rlnas {
namespace {

class CudaReadback final : public Readback {
 public:
  CudaReadback(CudaDevice& device, std::size_t bytes) : device_(device), value_(bytes), bytes_(bytes) {}
  // A copy still under way must not outlive the memory it writes.
  ~CudaReadback() override { cudaStreamSynchronize(device_.compute.get()); }

  void start(const void* value) override {
    check_cuda(cudaMemcpyAsync(value_.data(), value, bytes_, cudaMemcpyDeviceToHost, device_.compute.get()),
               "cudaMemcpyAsync to the host");
    arrived_.record(device_.compute.get());
  }
  const void* wait() override {
    arrived_.synchronize();
    return value_.data();
  }
  bool is_asynchronous() const override { return true; }

 private:
  CudaDevice& device_;
  PinnedMemory value_;
  std::size_t bytes_;
  CudaEvent arrived_;
};

}  // namespace

std::unique_ptr<Readback> CudaBackend::make_readback(std::size_t bytes) {
  return std::make_unique<CudaReadback>(*device_, bytes);
}

}  // namespace rlnas
