// The SuperNets of the two DARTS spaces (method.md 4 and 5): a stem, cells of which two reduce the image,
// and a classifier. All normal cells run one path of a step and all reduction cells another.
#pragma once

#include <vector>

#include "ops/context.h"
#include "ops/layers.h"
#include "search/darts/cell.h"
#include "search/darts/network.h"
#include "search/darts/supernet_cell.h"

namespace rlnas::darts {

class Supernet {
 public:
  // Errors: usage for a network that cannot be: see cell_geometries.
  explicit Supernet(const NetworkSpec& spec, Initializer initializer = Initializer::pytorch);

  const ModelBuilder& layout() const { return builder_; }

  // Logits of a batch along one path. Shapes: images [N,H,W,3] -> [N,classes].
  // Errors: usage when a reduction would halve an odd size.
  Tensor forward(Context& context, const Tensor& images, const Architecture& path) const;

 private:
  struct StemLayer {
    Conv2d conv;
    BatchNorm norm;
  };
  struct CellInputs {
    Tensor x0, x1;  // activated
  };

  StemLayer make_stem_layer(const std::string& conv_name, const std::string& norm_name, Conv2d geometry);
  CellInputs run_stem(Context& context, const Tensor& images) const;

  NetworkSpec spec_;
  ModelBuilder builder_;
  std::vector<StemLayer> stem_;
  std::vector<SupernetCell> cells_;
  Linear classifier_;
};

// The tensors of the published network, in forward order (method.md appendix D).
// Errors: usage unless classes is positive.
SegmentTable supernet_segments(Preset preset, int classes);

}  // namespace rlnas::darts
