#include "search/standalone.h"

#include "kernels/check.h"
#include "ops/drop.h"
#include "search/darts/supernet.h"
#include "search/mobilenet/supernet.h"
#include "search/nasbench201/supernet.h"

namespace rlnas {
namespace {

constexpr const char* kAuxiliaryPrefix = "auxiliary_head.";

// What the three have in common.
class Standalone : public TrainingSpace {
 public:
  bool ranks_architectures() const override { return false; }
  std::vector<int> path_ops(std::int64_t) override { return {}; }
  AngleSummary angle_summary(const std::vector<AngleSums>&) const override { return {}; }
};

class Nasbench201Network final : public Standalone {
 public:
  Nasbench201Network(const TrainConfig& config, const StandaloneOptions& options)
      : cell_(nasbench201::parse_cell(config.arch)), network_({.classes = options.classes, .only = cell_}) {}

  const ModelBuilder& layout() const override { return network_.layout(); }
  Tensor forward(Context& context, const Tensor& images, std::int64_t) override {
    return network_.forward(context, images,
                            std::vector<nasbench201::Cell>(std::size_t(network_.searchable_cells()), cell_));
  }
  Tensor forward_largest(Context& context, const Tensor& images) override {
    return forward(context, images, 0);
  }

 private:
  nasbench201::Cell cell_;
  nasbench201::Supernet network_;
};

}  // namespace

std::unique_ptr<TrainingSpace> make_standalone(const TrainConfig& config, const StandaloneOptions& options) {
  if (config.space == "nasbench201") return std::make_unique<Nasbench201Network>(config, options);
  fail(ErrorCode::usage, "--arch: ", config.space, " has no stand-alone networks yet");
}

std::int64_t parameters_without_auxiliary(const SegmentTable& table) {
  std::int64_t count = 0;
  for (const Segment& segment : table)
    if (!segment.name.starts_with(kAuxiliaryPrefix)) count += segment.count;
  return count;
}

}  // namespace rlnas
