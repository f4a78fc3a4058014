// A block of device memory that is released with its owner.
#pragma once

#include <cstddef>

#include "kernels/device.h"

namespace rlnas {

class DeviceBytes {
 public:
  // No block for 0 bytes. Errors: device when there is no memory.
  DeviceBytes(Device& device, std::size_t bytes)
      : device_(device), data_(bytes == 0 ? nullptr : device.allocate(bytes)) {}
  DeviceBytes(Device& device, const void* host, std::size_t bytes) : DeviceBytes(device, bytes) {
    if (bytes > 0) device_.upload(data_, host, bytes);
  }
  ~DeviceBytes() { device_.release(data_); }
  DeviceBytes(const DeviceBytes&) = delete;
  DeviceBytes& operator=(const DeviceBytes&) = delete;

  template <class T>
  T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  Device& device_;
  void* data_;
};

}  // namespace rlnas
