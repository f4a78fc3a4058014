#include "kernels/cuda/host_link.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "kernels/round_up.h"

namespace rlnas {
namespace {

constexpr std::size_t kSlots = 32, kSmallestSlotBytes = 512 << 10;
// Slots that the largest upload may take: two steps with three small uploads each have room for it twice.
constexpr std::size_t kSlotsOfUpload = 12;
constexpr std::size_t kReturnedBytes = 4 << 20;

}  // namespace

HostLink::Ring::Ring(std::size_t bytes)
    : slot_bytes(bytes), host(kSlots * bytes), device(kSlots * bytes), slots(kSlots) {
  for (std::size_t i = 0; i < kSlots; ++i) {
    slots[i].host = host.data() + i * bytes;
    slots[i].device = device.data() + i * bytes;
  }
}

HostLink::HostLink(const CudaStream& compute)
    : compute_(compute), ring_(std::make_unique<Ring>(kSmallestSlotBytes)), returned_(kReturnedBytes) {}

HostLink::~HostLink() {
  // Copies still under way must not outlive the memory they use.
  cudaStreamSynchronize(copy_.get());
  cudaStreamSynchronize(compute_.get());
}

bool HostLink::has_room_for(std::size_t bytes) const {
  return bytes <= kSlotsOfUpload * ring_->slot_bytes || bytes >= refused_bytes_;
}

void HostLink::make_room_for(std::size_t bytes) {
  std::unique_ptr<Ring> larger;
  try {
    larger = std::make_unique<Ring>(round_up(bytes, kSlotsOfUpload * kSmallestSlotBytes) / kSlotsOfUpload);
  } catch (const Error&) {  // no memory to spare: the host waits for the ring there is
    refused_bytes_ = bytes;
    return;
  }
  copy_.synchronize();
  compute_.synchronize();
  ring_ = std::move(larger);
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
  for (std::size_t done = 0; done < bytes; done += ring_->slot_bytes) {
    upload_slot(ring_->slots[ring_->next], static_cast<char*>(to) + done,
                static_cast<const char*>(from) + done, std::min(ring_->slot_bytes, bytes - done));
    ring_->next = (ring_->next + 1) % kSlots;
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
