// The SuperNets of the two DARTS spaces (method.md 4 and 5): a stem, cells of which two reduce the image,
// and a classifier. All normal cells run one path of a step and all reduction cells another.
#pragma once

#include <optional>
#include <vector>

#include "ops/auxiliary_head.h"
#include "ops/context.h"
#include "ops/drop.h"
#include "ops/layers.h"
#include "search/darts/cell.h"
#include "search/darts/network.h"
#include "search/darts/supernet_cell.h"

namespace rlnas::darts {

// Makes a SuperNet the stand-alone network of one architecture, for retraining (method.md 10): no other
// operations, no batch norm behind pools, and an auxiliary head behind the second reduction cell if its loss
// weighs anything.
struct StandAlone {
  Architecture architecture;
  double auxiliary_weight = 0.0;
};

class Supernet {
 public:
  // Errors: usage for a network that cannot be: see cell_geometries.
  explicit Supernet(const NetworkSpec& spec, Initializer initializer = Initializer::pytorch,
                    const std::optional<StandAlone>& only = {});

  const ModelBuilder& layout() const { return builder_; }

  // Logits of a batch along one path, whose edges are dropped by `drop_path`. In training those of an
  // auxiliary head go to context.auxiliary. Shapes: images [N,H,W,3] -> [N,classes]. Errors: usage when a
  // reduction would halve an odd size.
  Tensor forward(Context& context, const Tensor& images, const Architecture& path,
                 const DropSpec& drop_path = {}) const;

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
  // Behind the cell of this index; none: -1. Its tensors lie in forward order too.
  int auxiliary_cell_ = -1;
  float auxiliary_weight_ = 0.0f;
  AuxiliaryHead auxiliary_;
  Linear classifier_;
};

// The tensors of the published network, in forward order (method.md appendix D).
// Errors: usage unless classes is positive.
SegmentTable supernet_segments(Preset preset, int classes);

}  // namespace rlnas::darts
