// The MobileNet SuperNet (method.md 6; ProxylessNAS' GPU layout): stem, one fixed block, 21 choice blocks of
// six inverted residuals each, head. A step runs one of them in each block, or passes the input on where a
// block may be the identity. With an architecture given it is that one's stand-alone network (method.md 10).
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "ops/context.h"
#include "ops/drop.h"
#include "ops/inverted_residual.h"
#include "ops/layers.h"
#include "search/mobilenet/architecture.h"

namespace rlnas::mobilenet {

struct SupernetConfig {
  int classes = 1000;
  int width_divisor = 1;  // of all channel counts but the images'; above 1 for tests
  Initializer initializer = Initializer::normal_fan_out;
  // The stand-alone network of this architecture: no other operations.
  std::optional<Architecture> only = {};
};

class Supernet {
 public:
  explicit Supernet(const SupernetConfig& config);

  const SupernetConfig& config() const { return config_; }
  const ModelBuilder& layout() const { return builder_; }

  // Logits of a batch along one architecture, with `dropout` before the classifier.
  // Shapes: images [N,H,W,3] -> [N,classes], any H and W. Errors: run_failed for an option that a block
  // lacks.
  Tensor forward(Context& context, const Tensor& images, const Architecture& architecture,
                 const DropSpec& dropout = {}) const;

 private:
  struct ChoiceBlock {
    std::array<InvertedResidual, kConvOpCount> ops;
    int first_segment;
  };

  SupernetConfig config_;
  ModelBuilder builder_;
  NormalisedConv stem_;
  InvertedResidual first_block_;
  std::vector<ChoiceBlock> blocks_;
  NormalisedConv head_;
  Linear classifier_;
};

// The tensors of the published network (method.md appendix D). Errors: usage unless classes is positive.
SegmentTable supernet_segments(int classes);

}  // namespace rlnas::mobilenet
