// Copies between host and device that do not make the compute stream wait for the bus.
//
// An upload goes through a ring of slots. The host copies into a slot's pinned memory and is done; the copy
// stream brings that to the slot's device memory while the compute stream still works on what was queued
// before; the compute stream then only waits for the arrival and copies within the device, so that a
// destination may be in use until that point in its order. The host waits only when the whole ring is on its
// way, which should have room for the uploads of two training steps: make_room_for(). Bytes: one more
// pass over what is uploaded, at device bandwidth, a fiftieth of the bus's time.
#pragma once

#include <cstddef>
#include <limits>
#include <memory>
#include <vector>

#include "kernels/cuda/cuda_handles.h"

namespace rlnas {

class HostLink {
 public:
  explicit HostLink(const CudaStream& compute);
  ~HostLink();
  HostLink(const HostLink&) = delete;
  HostLink& operator=(const HostLink&) = delete;

  // Whether the host can upload so much twice, and a little besides, without waiting, or there is no memory
  // that it could.
  bool has_room_for(std::size_t bytes) const;
  // Waits for everything queued so far, if there is memory for a larger ring.
  void make_room_for(std::size_t bytes);
  // Async: `from` may be changed once this returns.
  void upload(void* to, const void* from, std::size_t bytes);
  // Waits for everything queued on the compute stream so far, and for the result.
  void download(void* to, const void* from, std::size_t bytes);

 private:
  struct Slot {
    char* host = nullptr;
    char* device = nullptr;
    CudaEvent arrived;   // on the device
    CudaEvent consumed;  // by the compute stream: the slot is free again
  };

  struct Ring {
    explicit Ring(std::size_t bytes);

    std::size_t slot_bytes;
    PinnedMemory host;
    DeviceMemory device;
    std::vector<Slot> slots;
    std::size_t next = 0;
  };

  void upload_slot(Slot& slot, char* to, const char* from, std::size_t bytes);

  const CudaStream& compute_;
  CudaStream copy_;
  std::unique_ptr<Ring> ring_;
  std::size_t refused_bytes_ = std::numeric_limits<std::size_t>::max();  // there was no memory for them
  PinnedMemory returned_;                                                // of downloads
};

}  // namespace rlnas
