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
  RLNAS_PRIMITIVES(RLNAS_OVERRIDE_RUN)
};

// Values of either type as floats: read, and written rounded.
class RefValues {
 public:
  RefValues(Values values) : values_(values) {}
  RefValues(ConstValues values) : values_(const_cast<void*>(values.data()), values.element()) {}

  class Place {
   public:
    Place(const Values& values, std::size_t at) : values_(values), at_(at) {}
    operator float() const {
      return values_.element() == Element::bf16 ? float_of(values_.as<Bf16>()[at_])
                                                : values_.as<float>()[at_];
    }
    Place& operator=(float value) {
      if (values_.element() == Element::bf16)
        values_.as<Bf16>()[at_] = bf16_of(value);
      else
        values_.as<float>()[at_] = value;
      return *this;
    }
    Place& operator=(const Place& other) { return *this = float(other); }

   private:
    Values values_;
    std::size_t at_;
  };
  Place operator[](std::size_t at) const { return {values_, at}; }
  friend bool operator==(const RefValues& values, std::nullptr_t) { return values.values_ == nullptr; }

 private:
  Values values_;
};

// Whether an activation that made this value lets a gradient through.
constexpr bool lets_through(Activation activation, float activated) {
  if (activation == Activation::none) return true;
  return activated > 0.0f && (activation == Activation::relu || activated < 6.0f);
}

}  // namespace rlnas
