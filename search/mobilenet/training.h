// MobileNet as the trainer sees it.
#pragma once

#include "search/mobilenet/path_sampler.h"
#include "search/mobilenet/supernet.h"
#include "search/training_space.h"

namespace rlnas::mobilenet {

class Training final : public TrainingSpace {
 public:
  static constexpr int kAngleSample = 1000;  // architectures of the angle summary

  Training(const SupernetConfig& config, std::uint64_t seed, Compat compat);

  const ModelBuilder& layout() const override { return supernet_.layout(); }
  Tensor forward(Context& context, const Tensor& images, std::int64_t step) override;
  Tensor forward_largest(Context& context, const Tensor& images) override;
  std::vector<int> path_ops(std::int64_t step) override;  // -1: identity
  AngleSummary angle_summary(const std::vector<AngleSums>& sums) const override;

 private:
  Supernet supernet_;
  PathSampler sampler_;
  std::vector<Architecture> angle_sample_;  // the same in every run
};

}  // namespace rlnas::mobilenet
