// A backend that passes everything on to the CUDA backend on the simulated device, tells the device which
// primitive its work belongs to, and keeps the largest workspace that a call was given.
#pragma once

#include <algorithm>

#include "kernels/uniform_backend.h"
#include "tests/simulator/work_log.h"

namespace rlnas::bench {

class WatchedBackend final : public UniformBackend<WatchedBackend> {
 public:
  explicit WatchedBackend(Backend& inner) : inner_(inner) {}

  std::size_t largest_workspace_bytes() const { return largest_workspace_bytes_; }
  void forget_workspaces() { largest_workspace_bytes_ = 0; }

  std::string description() const override { return inner_.description(); }
  Element activation_type() const override { return inner_.activation_type(); }
  bool gains_by_normalising_inputs(const ConvSpec& spec) const override {
    return inner_.gains_by_normalising_inputs(spec);
  }
  bool gains_by_masking_once() const override { return inner_.gains_by_masking_once(); }
  std::size_t note_bytes(const ConvNormBackward& call) const override { return inner_.note_bytes(call); }
  void begin_stage(const char* name, Direction direction) override { inner_.begin_stage(name, direction); }
  void* allocate(std::size_t bytes) override { return inner_.allocate(bytes); }
  void release(void* memory) noexcept override { inner_.release(memory); }
  void upload(void* device, const void* host, std::size_t bytes) override {
    simulator::set_work_place("upload");
    inner_.upload(device, host, bytes);
  }
  void download(void* host, const void* device, std::size_t bytes) override {
    simulator::set_work_place("download");
    inner_.download(host, device, bytes);
  }
  void synchronize() override { inner_.synchronize(); }
  void* native_stream() override { return inner_.native_stream(); }
  std::unique_ptr<Readback> make_readback(std::size_t bytes) override { return inner_.make_readback(bytes); }

  template <class Primitive>
  void take(const Primitive& call, Workspace workspace) {
    simulator::set_work_place(Primitive::kName);
    largest_workspace_bytes_ = std::max(largest_workspace_bytes_, workspace.bytes);
    inner_.run(call, workspace);
    simulator::set_work_place("readback");
  }
  template <class Primitive>
  std::size_t scratch_bytes(const Primitive& call) {
    return inner_.workspace_bytes(call);
  }

 private:
  Backend& inner_;
  std::size_t largest_workspace_bytes_ = 0;
};

}  // namespace rlnas::bench
