// For backends of tests that stand before another one and look at, or change, what it is told: all but the
// primitives is passed on. The class that derives from it has take(), as UniformBackend says, for those.
#pragma once

#include "kernels/uniform_backend.h"

namespace rlnas::test {

template <class Derived>
class ForwardingBackend : public UniformBackend<Derived> {
 public:
  explicit ForwardingBackend(Backend& inner) : inner_(inner) {}

  std::string description() const override { return inner_.description(); }
  Element activation_type() const override { return inner_.activation_type(); }
  bool gains_by_normalising_inputs(const ConvSpec& spec) const override {
    return inner_.gains_by_normalising_inputs(spec);
  }
  bool gains_by_masking_once() const override { return inner_.gains_by_masking_once(); }
  std::size_t note_bytes(const ConvNormBackward& call) const override { return inner_.note_bytes(call); }
  void* allocate(std::size_t bytes) override { return inner_.allocate(bytes); }
  void release(void* memory) noexcept override { inner_.release(memory); }
  void upload(void* device, const void* host, std::size_t bytes) override {
    inner_.upload(device, host, bytes);
  }
  void download(void* host, const void* device, std::size_t bytes) override {
    inner_.download(host, device, bytes);
  }
  void synchronize() override { inner_.synchronize(); }

  template <class Primitive>
  std::size_t scratch_bytes(const Primitive& call) {
    return inner_.workspace_bytes(call);
  }

 protected:
  Backend& inner_;
};

}  // namespace rlnas::test
