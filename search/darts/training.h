// The DARTS spaces as the trainer sees them.
#pragma once

#include <vector>

#include "rlnas/choices.hpp"
#include "search/darts/path_sampler.h"
#include "search/darts/supernet.h"
#include "search/training_space.h"

namespace rlnas::darts {

class Training final : public TrainingSpace {
 public:
  static constexpr int kAngleSample = 1000;  // architectures of the angle summary

  // `compat`: how the summary counts a dil_conv, see make_angle_table.
  Training(const NetworkSpec& spec, Initializer initializer, std::uint64_t seed, PathSource source,
           Compat compat);

  const ModelBuilder& layout() const override { return supernet_.layout(); }
  Tensor forward(Context& context, const Tensor& images, std::int64_t step) override;
  Tensor forward_largest(Context& context, const Tensor& images) override;
  std::vector<int> path_ops(std::int64_t step) override;  // normal cell, then reduction cell
  AngleSummary angle_summary(const std::vector<AngleSums>& sums) const override;

 private:
  NetworkSpec spec_;
  Supernet supernet_;
  PathSampler sampler_;
  Compat compat_;
  std::vector<Architecture> angle_sample_;  // the same in every run
};

}  // namespace rlnas::darts
