// What a kernels::Device is: a backend, and the scratch memory of its calls.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>

#include "engine/device.h"
#include "engine/device_bytes.h"
#include "rlnas/kernels.hpp"

namespace rlnas::kernels {

struct DeviceState {
  explicit DeviceState(DeviceChoice chosen) : choice(std::move(chosen)) {}

  DeviceChoice choice;
  std::size_t scratch_bytes = 0;
  std::optional<DeviceBytes> scratch;

  Backend& backend() const { return *choice.backend; }
  // Room for a call, the same for all: they follow each other on one stream.
  Workspace workspace(std::size_t bytes) {
    if (bytes > scratch_bytes) {
      backend().synchronize();
      scratch.reset();
      scratch_bytes = 0;
      scratch.emplace(backend(), bytes);
      scratch_bytes = bytes;
    }
    return {bytes > 0 ? scratch->as<void>() : nullptr, bytes};
  }
  template <class Primitive>
  void run(const Primitive& call) {
    backend().run(call, workspace(backend().workspace_bytes(call)));
  }
};

}  // namespace rlnas::kernels
