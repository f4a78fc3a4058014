// Small results that the host reads when it wants them, without holding up what it queues next.
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/cuda_device.h"

namespace rlnas {
namespace {

class CudaReadback final : public Readback {
 public:
  CudaReadback(const CudaStream& compute, std::size_t bytes)
      : compute_(compute), value_(bytes), bytes_(bytes) {}
  // A copy still under way must not outlive the memory it writes.
  ~CudaReadback() override { cudaStreamSynchronize(compute_.get()); }

  void start(const void* device) override {
    check_cuda(cudaMemcpyAsync(value_.data(), device, bytes_, cudaMemcpyDeviceToHost, compute_.get()),
               "cudaMemcpyAsync to the host");
    arrived_.record(compute_);
  }
  const void* wait() override {
    arrived_.synchronize();
    return value_.data();
  }
  bool late() const override { return true; }

 private:
  const CudaStream& compute_;
  PinnedMemory value_;
  std::size_t bytes_;
  CudaEvent arrived_;
};

}  // namespace

std::unique_ptr<Readback> CudaBackend::make_readback(std::size_t bytes) {
  return std::make_unique<CudaReadback>(device_->compute, bytes);
}

}  // namespace rlnas
