// A block of device memory that is released with its owner.
#pragma once

#include <cstddef>

#include "kernels/backend.h"

namespace rlnas {

class DeviceBytes {
 public:
  // No block for 0 bytes. Errors: device when there is no memory.
  DeviceBytes(Backend& backend, std::size_t bytes)
      : backend_(backend), data_(bytes == 0 ? nullptr : backend.allocate(bytes)) {}
  DeviceBytes(Backend& backend, const void* host, std::size_t bytes) : DeviceBytes(backend, bytes) {
    backend_.upload(data_, host, bytes);
  }
  ~DeviceBytes() { backend_.release(data_); }
  DeviceBytes(const DeviceBytes&) = delete;
  DeviceBytes& operator=(const DeviceBytes&) = delete;

  template <class T>
  T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  Backend& backend_;
  void* data_;
};

}  // namespace rlnas
