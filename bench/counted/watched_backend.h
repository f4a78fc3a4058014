// A backend that passes everything on to the CUDA backend on the simulated device, tells the device which
// primitive its work belongs to, and keeps the largest workspace that a call was given.
#pragma once

#include <algorithm>

#include "kernels/forwarding_backend.h"
#include "tests/simulator/work_log.h"

namespace rlnas::bench {

class WatchedBackend final : public ForwardingBackend<WatchedBackend> {
 public:
  explicit WatchedBackend(Backend& inner) : ForwardingBackend(inner) {}

  std::size_t largest_workspace_bytes() const { return largest_workspace_bytes_; }
  void forget_workspaces() { largest_workspace_bytes_ = 0; }

  void upload(void* device, const void* host, std::size_t bytes) override {
    simulator::set_work_place("upload");
    inner_.upload(device, host, bytes);
  }
  void download(void* host, const void* device, std::size_t bytes) override {
    simulator::set_work_place("download");
    inner_.download(host, device, bytes);
  }
  std::unique_ptr<Readback> make_readback(std::size_t bytes) override { return inner_.make_readback(bytes); }

  template <class Primitive>
  void take(const Primitive& call, Workspace workspace) {
    simulator::set_work_place(Primitive::kName);
    largest_workspace_bytes_ = std::max(largest_workspace_bytes_, workspace.bytes);
    inner_.run(call, workspace);
    simulator::set_work_place("readback");
  }

 private:
  std::size_t largest_workspace_bytes_ = 0;
};

}  // namespace rlnas::bench
