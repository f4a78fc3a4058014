#include "kernels/cuda/host_link.h"

#include <algorithm>
#include <cstring>

namespace rlnas {
namespace {

constexpr std::size_t kSlots = 32, kSlotBytes = 512 << 10;
constexpr std::size_t kReturnedBytes = 4 << 20;

}  // namespace

HostLink::HostLink(const CudaStream& compute)
    : compute_(compute),
      host_(kSlots * kSlotBytes),
      device_(kSlots * kSlotBytes),
      slots_(kSlots),
      returned_(kReturnedBytes) {
  for (std::size_t i = 0; i < kSlots; ++i) {
    slots_[i].host = host_.data() + i * kSlotBytes;
    slots_[i].device = device_.data() + i * kSlotBytes;
  }
}

HostLink::~HostLink() {
  // Copies still under way must not outlive the memory they use.
  cudaStreamSynchronize(copy_.get());
  cudaStreamSynchronize(compute_.get());
}

void HostLink::upload_slot(Slot& slot, char* to, const char* from, std::size_t bytes) {
  slot.consumed.synchronize();
  std::memcpy(slot.host, from, bytes);
  check_cuda(cudaMemcpyAsync(slot.device, slot.host, bytes, cudaMemcpyHostToDevice, copy_.get()),
             "cudaMemcpyAsync to the device");
  slot.arrived.record(copy_.get());
  slot.arrived.hold_back(compute_.get());
  check_cuda(cudaMemcpyAsync(to, slot.device, bytes, cudaMemcpyDeviceToDevice, compute_.get()),
             "cudaMemcpyAsync on the device");
  slot.consumed.record(compute_.get());
}

void HostLink::upload(void* to, const void* from, std::size_t bytes) {
  for (std::size_t done = 0; done < bytes; done += kSlotBytes) {
    upload_slot(slots_[next_], static_cast<char*>(to) + done, static_cast<const char*>(from) + done,
                std::min(kSlotBytes, bytes - done));
    next_ = (next_ + 1) % kSlots;
  }
}

void HostLink::download(void* to, const void* from, std::size_t bytes) {
  for (std::size_t done = 0; done < bytes; done += kReturnedBytes) {
    const std::size_t part = std::min(kReturnedBytes, bytes - done);
    check_cuda(cudaMemcpyAsync(returned_.data(), static_cast<const char*>(from) + done, part,
                               cudaMemcpyDeviceToHost, compute_.get()),
               "cudaMemcpyAsync to the host");
    compute_.synchronize();
    std::memcpy(static_cast<char*>(to) + done, returned_.data(), part);
  }
  if (bytes == 0) compute_.synchronize();
}

}  // namespace rlnas
