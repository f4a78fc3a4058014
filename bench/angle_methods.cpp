// The backend's own primitive, and the list of all methods on the device chosen.
#include "bench/angle_method.h"
#include "bench/device.h"
#include "engine/angle_tables.h"

namespace rlnas::bench {
namespace {

class Primitive final : public AngleMethod {
 public:
  explicit Primitive(const AngleOperands& operands)
      : operands_(operands),
        tables_(operands.backend, operands.table),
        count_(std::size_t(operands.checkpoints()) * std::size_t(operands.table.size())),
        sums_(operands.backend, count_ * sizeof(AngleSums)),
        scratch_bytes_(operands.backend.workspace_bytes(call(0))),
        scratch_(operands.backend, scratch_bytes_) {}

  void run(int set) override { operands_.backend.run(call(set), {scratch_.as<void>(), scratch_bytes_}); }
  std::vector<AngleSums> sums() override {
    std::vector<AngleSums> host(count_);
    operands_.backend.download(host.data(), sums_.as<void>(), count_ * sizeof(AngleSums));
    return host;
  }

 private:
  TakeAngleSums call(int set) const {
    const AngleOperands::Set& operands = operands_.sets[std::size_t(set)];
    TakeAngleSums call = tables_.call();
    call.w0 = operands.w0;
    std::copy(operands.w1.begin(), operands.w1.end(), call.w1.begin());
    call.checkpoint_count = operands_.checkpoints();
    call.sums = sums_.as<AngleSums>();
    return call;
  }

  const AngleOperands& operands_;
  AngleTables tables_;
  std::size_t count_;
  DeviceBytes sums_;
  std::size_t scratch_bytes_;
  DeviceBytes scratch_;
};

std::unique_ptr<AngleMethod> make_primitive(const AngleOperands& operands) {
  return std::make_unique<Primitive>(operands);
}

}  // namespace

std::vector<AngleMethodKind> angle_methods() {
  std::vector<AngleMethodKind> methods = on_cpu() ? cpu_angle_methods() : library_angle_methods();
  const AngleMethodKind primitive{"angle_sums", sizeof(float), make_primitive};
  methods.insert(methods.empty() ? methods.end() : methods.begin() + 1, primitive);
  if (on_cpu()) return methods;
  for (const AngleMethodKind& kind : own_angle_methods()) methods.push_back(kind);
  return methods;
}

}  // namespace rlnas::bench
