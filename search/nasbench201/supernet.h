// The NAS-Bench-201 SuperNet (method.md 3.1): stem, three stages of searchable cells with a residual block in
// front of the second and third, head. Every cell holds a 1x1 and a 3x3 convolution on each of its six edges;
// a step runs one path through each cell. None edges cost nothing and dead edges are pruned before they run.
// With a cell given it is the stand-alone network of that cell (method.md 16.4), for retraining.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ops/context.h"
#include "ops/layers.h"
#include "ops/norm_sum.h"
#include "search/nasbench201/cell.h"

namespace rlnas::nasbench201 {

struct SupernetConfig {
  int classes = 10;
  int channels = 16;        // of the first stage; doubled at each residual block
  int cells_per_stage = 5;  // the published network has 5, tests use fewer
  Initializer initializer = Initializer::pytorch;
  // The stand-alone network of this cell: no other operations, and affine batch norm everywhere.
  std::optional<Cell> only = {};

  Affine cell_affine() const { return only ? Affine::yes : Affine::no; }
};

class Supernet {
 public:
  explicit Supernet(const SupernetConfig& config);

  const SupernetConfig& config() const { return config_; }
  const ModelBuilder& layout() const { return builder_; }
  int searchable_cells() const { return int(cells_.size()); }

  // Logits of a batch, with paths[i] in the i-th searchable cell: those of `only`, where there is one.
  // Shapes: images [N,H,W,3] -> [N,classes]. Errors: run_failed when the number of paths is wrong.
  Tensor forward(Context& context, const Tensor& images, std::span<const Cell> paths) const;

 private:
  struct EdgeOp {
    Conv2d conv;
    BatchNorm norm;
  };
  struct SearchableCell {
    EdgeOp edges[kEdgeCount][2];  // [edge][0: 1x1, 1: 3x3]
  };
  struct ResidualBlock {
    EdgeOp a, b;
    Conv2d downsample;
  };
  struct Item {  // one entry of `cells.N`
    bool searchable;
    int index;  // into cells_ or blocks_
    int first_segment;
  };

  EdgeOp make_edge_op(const std::string& name, Conv2d geometry, Affine affine, Owner owner = {});
  int next_segment() const { return builder_.parameters().size(); }
  Want wanted_by(std::size_t item, std::span<const Cell> paths) const;
  NodeOutput run_cell(Context& context, const SearchableCell& cell, const Cell& path, const NodeOutput& input,
                      Want want) const;
  NodeOutput run_block(Context& context, const ResidualBlock& block, const NodeOutput& input,
                       Want want) const;

  SupernetConfig config_;
  ModelBuilder builder_;
  Conv2d stem_;
  BatchNorm stem_norm_;
  std::vector<Item> items_;
  std::vector<SearchableCell> cells_;
  std::vector<ResidualBlock> blocks_;
  BatchNorm head_norm_;
  Linear classifier_;
};

// The tensors of the published network, in state-dict order (method.md appendix D).
// Errors: usage unless classes is positive.
SegmentTable supernet_segments(int classes);

}  // namespace rlnas::nasbench201
