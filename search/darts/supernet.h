// The SuperNets of the two DARTS spaces (method.md 4 and 5): a stem, cells of which two reduce the image,
// and a classifier. All normal cells run one path of a step and all reduction cells another.
#pragma once

#include <vector>

#include "ops/context.h"
#include "ops/layers.h"
#include "search/darts/cell.h"
#include "search/darts/supernet_cell.h"

namespace rlnas::darts {

enum class Stem {
  cifar,     // one convolution; both inputs of the first cell are its output
  imagenet,  // three of stride 2: the inputs of the first cell are the output of the second and of the third
};

struct SupernetConfig {
  Stem stem = Stem::cifar;
  int classes = 10;
  int channels = 16;  // of the nodes of the first cells; doubled by each reduction
  int cells = 8;      // those at a third and at two thirds of them reduce
  Initializer initializer = Initializer::pytorch;

  // The published networks.
  static SupernetConfig cifar(int classes = 10) { return {.classes = classes}; }
  static SupernetConfig imagenet(int classes = 1000) {
    return {Stem::imagenet, classes, 48, 14, Initializer::kaiming_fan_in};
  }
};

class Supernet {
 public:
  // Errors: usage when a size of the config is not positive or the channels are odd.
  explicit Supernet(const SupernetConfig& config);

  const SupernetConfig& config() const { return config_; }
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
    Tensor older, last;  // activated
  };

  StemLayer make_stem_layer(const std::string& conv_name, const std::string& norm_name, Conv2d geometry);
  CellInputs run_stem(Context& context, const Tensor& images) const;

  SupernetConfig config_;
  ModelBuilder builder_;
  std::vector<StemLayer> stem_;
  std::vector<SupernetCell> cells_;
  Linear classifier_;
};

}  // namespace rlnas::darts
