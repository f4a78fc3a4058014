#include "kernels/dry/dry_backend.h"

#include <sys/mman.h>

#include <cstring>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "kernels/spec_checks.h"
#include "kernels/uniform_backend.h"

namespace rlnas {
namespace {

class DryBackend final : public UniformBackend<DryBackend> {
 public:
  DryBackend(std::vector<RecordedCall>* calls, Backend* like, std::function<void()> before_planning)
      : calls_(calls), like_(like), before_planning_(std::move(before_planning)) {}
  ~DryBackend() override {
    for (const auto& [memory, bytes] : reserved_) munmap(memory, bytes);
  }

  std::string description() const override {
    return like_ != nullptr ? "dry run of " + like_->description() : "dry run";
  }
  Element activation_type() const override {
    return like_ != nullptr ? like_->activation_type() : Element::f32;
  }
  bool gains_by_normalising_inputs(const ConvSpec& spec) const override {
    return like_ != nullptr && like_->gains_by_normalising_inputs(spec);
  }
  bool gains_by_masking_once() const override { return like_ != nullptr && like_->gains_by_masking_once(); }
  std::size_t note_bytes(const ConvNormBackward& call) const override {
    return like_ != nullptr ? like_->note_bytes(call) : 0;
  }

  void* allocate(std::size_t bytes) override;
  void release(void* memory) noexcept override;
  void upload(void*, const void*, std::size_t) override {}
  // Zeros, so that a caller's decisions on a result are at least repeatable.
  void download(void* host, const void*, std::size_t bytes) override {
    if (bytes > 0) std::memset(host, 0, bytes);
  }
  void synchronize() override {}

  template <class Primitive>
  void take(const Primitive& call, Workspace) {
    check(call);
    record(call);
  }
  // The fused passes are recorded as the primitives they stand for, so that the list of problems is complete.
  void take(const ConvNormForward& call, Workspace) {
    check(call);
    record_input(call.spec, call.x.element());
    record(ConvForward{.spec = call.spec.conv, .x = call.x});
    record(BatchNormStatistics{.spec = call.spec.norm(), .x = call.y});
  }
  void take(const ConvNormBackward& call, Workspace) {
    check(call);
    record_input(call.spec, call.x.element());
    record(BatchNormBackward{.spec = call.spec.norm(), .x = call.y});
    record(ConvBackwardWeights{.spec = call.spec.conv, .x = call.x});
    if (call.dx == nullptr) return;
    record(ConvBackwardData{.spec = call.spec.conv, .dy = call.dz});
    record(ActivationBackward{.count = call.spec.conv.in_count(), .dx = call.dx, .store = call.store});
  }

  template <class Primitive>
  std::size_t scratch_bytes(const Primitive& call) {
    check(call);
    if (before_planning_) before_planning_();
    return like_ != nullptr ? like_->workspace_bytes(call) : Backend::workspace_bytes(call);
  }

 private:
  template <class Primitive>
  static void check(const Primitive& call) {
    if constexpr (requires { check_spec(call.spec); }) check_spec(call.spec);
  }

  // Blocks and states may live in this backend's memory, which must not be read: cost() counts them as full
  // and sampled.
  template <class Primitive>
  void record(const Primitive& call) {
    if (calls_ != nullptr) calls_->push_back(call.cost());
  }

  void record_input(const ConvNormSpec& spec, Element element) {
    if (!spec.normalises_input) return;
    const ConvSpec& conv = spec.conv;
    float written = 0.0f;
    record(AffineSum{.spec = {.rows = conv.batch * conv.in_height * conv.in_width,
                              .channels = conv.in_channels,
                              .term_count = 1},
                     .activated = {&written, element}});
  }

  std::vector<RecordedCall>* calls_;
  Backend* like_;
  std::function<void()> before_planning_;
  std::mutex memory_mutex_;
  std::unordered_map<void*, std::size_t> reserved_;
};

// Address space without memory behind it: using it faults at once.
void* DryBackend::allocate(std::size_t bytes) {
  const std::size_t reserved = bytes == 0 ? 1 : bytes;
  void* const memory = mmap(nullptr, reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  RLNAS_CHECK(memory != MAP_FAILED, device, "dry run: no address space for ", bytes >> 20,
              " MiB; lower --batch-size");
  const std::lock_guard lock(memory_mutex_);
  reserved_.emplace(memory, reserved);
  return memory;
}

void DryBackend::release(void* memory) noexcept {
  const std::lock_guard lock(memory_mutex_);
  const auto found = reserved_.find(memory);
  if (found == reserved_.end()) return;
  munmap(memory, found->second);
  reserved_.erase(found);
}

}  // namespace

std::unique_ptr<Backend> make_dry_backend(std::vector<RecordedCall>* calls, Backend* like,
                                          std::function<void()> before_planning) {
  return std::make_unique<DryBackend>(calls, like, std::move(before_planning));
}

}  // namespace rlnas
