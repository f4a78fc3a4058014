// What the trainer needs to know of a search space: its SuperNet, how to run one sampled path, and how far
// the weights have turned. One implementation per space.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "ops/context.h"
#include "ops/layers.h"

namespace rlnas {

struct AngleSummary {
  double mean_rad = 0.0, min_rad = 0.0, max_rad = 0.0;
};

// angle_rad(architecture) over the architectures of a sample.
template <class Architecture, class Angle>
AngleSummary summary_of(const std::vector<Architecture>& sample, const Angle& angle_rad) {
  AngleSummary summary{.mean_rad = 0.0, .min_rad = 4.0, .max_rad = 0.0};
  for (const Architecture& architecture : sample) {
    const double angle = angle_rad(architecture);
    summary.mean_rad += angle / double(sample.size());
    summary.min_rad = std::min(summary.min_rad, angle);
    summary.max_rad = std::max(summary.max_rad, angle);
  }
  return summary;
}

class TrainingSpace {
 public:
  virtual ~TrainingSpace() = default;

  virtual const ModelBuilder& layout() const = 0;
  // Logits [N,classes] of images [N,H,W,3] along the path (or paths) of training step `step`.
  virtual Tensor forward(Context& context, const Tensor& images, std::int64_t step) = 0;
  // The same along the path that needs the most memory, for planning.
  virtual Tensor forward_largest(Context& context, const Tensor& images) = 0;
  // Whether the weights rank architectures: not those of a stand-alone network, which has no angle_summary.
  virtual bool ranks_architectures() const { return true; }
  // The operations of that path, one number a choice, in the order of the space's genes (of each cell that
  // has a path of its own).
  virtual std::vector<int> path_ops(std::int64_t step) = 0;
  // Angles of a fixed sample of architectures, from the sums of every segment of the layout.
  virtual AngleSummary angle_summary(const std::vector<AngleSums>& sums) const = 0;
};

}  // namespace rlnas
