// For backends that stand before another one and look at, or change, what it is told: all but the primitives
// is passed on. The class that derives from it has take(), as UniformBackend says, for those.
#pragma once

#include <utility>

#include "kernels/uniform_backend.h"

namespace rlnas {

// Inner: a reference to the other backend, or its class, where it is part of this one.
template <class Derived, class Inner = Backend&>
class ForwardingBackend : public UniformBackend<Derived> {
 public:
  explicit ForwardingBackend(Backend& inner) requires std::is_reference_v<Inner> : inner_(inner) {}
  template <class... Args>
  explicit ForwardingBackend(const Args&... args) requires(!std::is_reference_v<Inner>) : inner_(args...) {}

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
    inner_.upload(device, host, bytes);
  }
  void download(void* host, const void* device, std::size_t bytes) override {
    inner_.download(host, device, bytes);
  }
  void synchronize() override { inner_.synchronize(); }
  void* native_stream() override { return inner_.native_stream(); }
  // make_readback() and host_view() stay Device's: results come by download(), which may be looked at.

  template <class Primitive>
  std::size_t scratch_bytes(const Primitive& call) {
    return inner_.workspace_bytes(call);
  }

 protected:
  Inner inner_;
};

}  // namespace rlnas
