// The own angle kernel in types that the backend has no use for: bfloat16 weights, sums in fp32.
#include "bench/angle_method.h"
#include "engine/angle_tables.h"
#include "kernels/cuda/angle.cuh"
#include "kernels/cuda/conv_staging.h"

namespace rlnas::bench {
namespace {

GpuStream stream_of(Backend& backend) {
  return static_cast<GpuStream>(backend.native_stream());
}

// One set of operands.
template <class Weight>
struct WeightSet {
  const Weight* w0;
  AngleCheckpoints<Weight> w1;
};

template <class Partial, class Weight>
class FusedAngle final : public AngleMethod {
 public:
  FusedAngle(const AngleOperands& operands, std::vector<WeightSet<Weight>> sets)
      : backend_(operands.backend),
        sets_(std::move(sets)),
        tables_(backend_, operands.table),
        segments_(operands.table.size()),
        count_(std::size_t(operands.checkpoints()) * std::size_t(segments_)),
        sums_(backend_, count_ * sizeof(AngleSums)),
        scratch_bytes_(angle_scratch_bytes<Partial>(tables_.call().pieces, operands.checkpoints())),
        scratch_(backend_, scratch_bytes_) {}

  void run(int set) override {
    const WeightSet<Weight>& of = sets_[std::size_t(set)];
    launch_angle_sums<Partial>(of.w0, of.w1, tables_.call().pieces, segments_, sums_.as<AngleSums>(),
                               {scratch_.as<void>(), scratch_bytes_}, stream_of(backend_));
  }
  std::vector<AngleSums> sums() override {
    std::vector<AngleSums> host(count_);
    backend_.download(host.data(), sums_.as<void>(), count_ * sizeof(AngleSums));
    return host;
  }

 private:
  Backend& backend_;
  std::vector<WeightSet<Weight>> sets_;
  AngleTables tables_;
  int segments_;
  std::size_t count_;
  DeviceBytes sums_;
  std::size_t scratch_bytes_;
  DeviceBytes scratch_;
};

// Every set, its buffers replaced by what `of` makes of them.
template <class Weight, class Of>
std::vector<WeightSet<Weight>> sets_of(const AngleOperands& operands, const Of& of) {
  std::vector<WeightSet<Weight>> sets;
  for (const AngleOperands::Set& from : operands.sets) {
    WeightSet<Weight> set{of(from.w0), {{}, operands.checkpoints()}};
    for (int c = 0; c < operands.checkpoints(); ++c) set.w1.at[c] = of(from.w1[std::size_t(c)]);
    sets.push_back(set);
  }
  return sets;
}

// The sets once more, in bfloat16.
class Bf16Angle final : public AngleMethod {
 public:
  explicit Bf16Angle(const AngleOperands& operands) {
    const std::size_t count = std::size_t(operands.table.buffer_count());
    auto sets = sets_of<Bf16>(operands, [&](const float* weights) {
      copies_.push_back(std::make_unique<DeviceBytes>(operands.backend, count * sizeof(Bf16)));
      stage_as_bf16(count, weights, copies_.back()->as<Bf16>(), stream_of(operands.backend));
      return static_cast<const Bf16*>(copies_.back()->as<Bf16>());
    });
    angle_ = std::make_unique<FusedAngle<double, Bf16>>(operands, std::move(sets));
  }
  void run(int set) override { angle_->run(set); }
  std::vector<AngleSums> sums() override { return angle_->sums(); }

 private:
  std::vector<std::unique_ptr<DeviceBytes>> copies_;
  std::unique_ptr<AngleMethod> angle_;
};

std::unique_ptr<AngleMethod> make_fp32_sums(const AngleOperands& operands) {
  return std::make_unique<FusedAngle<float, float>>(
      operands, sets_of<float>(operands, [](const float* weights) { return weights; }));
}

std::unique_ptr<AngleMethod> make_bf16(const AngleOperands& operands) {
  return std::make_unique<Bf16Angle>(operands);
}

}  // namespace

std::vector<AngleMethodKind> own_angle_methods() {
  return {{"angle_sums_bf16", sizeof(Bf16), make_bf16},
          {"angle_sums_fp32_partials", sizeof(float), make_fp32_sums}};
}

}  // namespace rlnas::bench
