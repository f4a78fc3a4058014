// NAS-Bench-201 as the trainer sees it.
#pragma once

#include "search/nasbench201/path_sampler.h"
#include "search/nasbench201/supernet.h"
#include "search/training_space.h"

namespace rlnas::nasbench201 {

class Training final : public TrainingSpace {
 public:
  static constexpr int kAngleSample = 1000;  // architectures of the angle summary

  Training(const SupernetConfig& config, std::uint64_t seed, Sampling sampling, PathSource source);

  const ModelBuilder& layout() const override { return supernet_.layout(); }
  Tensor forward(Context& context, const Tensor& images, std::int64_t step) override;
  Tensor forward_largest(Context& context, const Tensor& images) override;
  std::vector<int> path_ops(std::int64_t step) override;
  AngleSummary angle_summary(const std::vector<AngleSums>& sums) const override;

 private:
  Supernet supernet_;
  PathSampler sampler_;
  std::vector<Cell> angle_sample_;  // live, the same in every run
};

}  // namespace rlnas::nasbench201
