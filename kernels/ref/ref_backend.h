// The reference backend: every primitive as the loop its definition says, float in, double inside, float out.
// It is the executable specification that tests hold the other backends to; speed is no concern. The run() of
// a primitive is in the file of its subject, the twin of the file of that name in cpu/. None takes a
// workspace.
#pragma once

#include "kernels/backend.h"

namespace rlnas {

class RefBackend : public Backend {
 public:
  std::string description() const override;

  void* allocate(std::size_t bytes) override;
  void release(void* memory) noexcept override;
  void upload(void* device, const void* host, std::size_t bytes) override;
  void download(void* host, const void* device, std::size_t bytes) override;
  const void* host_view(const void* device) override { return device; }
  void synchronize() override;

  using Backend::run;
  using Backend::workspace_bytes;
  RLNAS_SINGLE_PRIMITIVES(RLNAS_OVERRIDE_RUN)
};

// Whether an activation that made this value lets a gradient through.
constexpr bool lets_through(Activation activation, float activated) {
  if (activation == Activation::none) return true;
  return activated > 0.0f && (activation == Activation::relu || activated < 6.0f);
}

}  // namespace rlnas
