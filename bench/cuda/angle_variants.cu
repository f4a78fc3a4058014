// The own angle kernel in types that the backend has no use for: bfloat16 weights, sums in fp32.
#include "bench/angle_method.h"
#include "engine/device_bytes.h"
#include "kernels/cuda/angle.cuh"
#include "kernels/cuda/conv_staging.h"

namespace rlnas::bench {
namespace {

GpuStream stream_of(Backend& backend) {
  return static_cast<GpuStream>(backend.native_stream());
}

template <class Partial, class Weight>
class FusedAngle final : public AngleMethod {
 public:
  FusedAngle(const AnglePairs& pairs, std::vector<const Weight*> w0, std::vector<const Weight*> w1)
      : backend_(pairs.backend),
        w0_(std::move(w0)),
        w1_(std::move(w1)),
        host_blocks_(pairs.table.blocks()),
        blocks_(backend_, host_blocks_.data(), host_blocks_.size() * sizeof(SegmentBlock)),
        segments_(pairs.table.size()),
        sums_(backend_, std::size_t(segments_) * sizeof(AngleSums)),
        scratch_bytes_(angle_scratch_bytes<Partial>(int(host_blocks_.size()))),
        scratch_(backend_, scratch_bytes_) {}

  void run(int pair) override {
    launch_angle_sums<Partial>(w0_[std::size_t(pair)], w1_[std::size_t(pair)], blocks_.as<SegmentBlock>(),
                               int(host_blocks_.size()), segments_, sums_.as<AngleSums>(),
                               {scratch_.as<void>(), scratch_bytes_}, stream_of(backend_));
  }

 private:
  Backend& backend_;
  std::vector<const Weight*> w0_, w1_;
  std::vector<SegmentBlock> host_blocks_;
  DeviceBytes blocks_;
  int segments_;
  DeviceBytes sums_;
  std::size_t scratch_bytes_;
  DeviceBytes scratch_;
};

// The pairs once more, in bfloat16.
class Bf16Angle final : public AngleMethod {
 public:
  explicit Bf16Angle(const AnglePairs& pairs) : backend_(pairs.backend) {
    angle_ = std::make_unique<FusedAngle<double, Bf16>>(pairs, converted(pairs, pairs.w0),
                                                        converted(pairs, pairs.w1));
  }
  void run(int pair) override { angle_->run(pair); }

 private:
  std::vector<const Bf16*> converted(const AnglePairs& pairs, const std::vector<const float*>& from) {
    const std::size_t count = std::size_t(pairs.table.buffer_count());
    std::vector<const Bf16*> result;
    for (const float* weights : from) {
      copies_.push_back(std::make_unique<DeviceBytes>(backend_, count * kBf16Bytes));
      Bf16* const copy = copies_.back()->as<Bf16>();
      stage_as_bf16(count, weights, copy, stream_of(backend_));
      result.push_back(copy);
    }
    return result;
  }

  Backend& backend_;
  std::vector<std::unique_ptr<DeviceBytes>> copies_;
  std::unique_ptr<FusedAngle<double, Bf16>> angle_;
};

std::unique_ptr<AngleMethod> make_fp32_sums(const AnglePairs& pairs) {
  return std::make_unique<FusedAngle<float, float>>(pairs, pairs.w0, pairs.w1);
}

std::unique_ptr<AngleMethod> make_bf16(const AnglePairs& pairs) {
  return std::make_unique<Bf16Angle>(pairs);
}

}  // namespace

std::vector<AngleMethodKind> own_angle_methods() {
  return {{"angle_sums_bf16", 2.0 * kBf16Bytes, make_bf16},
          {"angle_sums_fp32_partials", 2.0 * sizeof(float), make_fp32_sums}};
}

}  // namespace rlnas::bench
