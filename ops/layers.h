// Layers as plain data (which tensors of the flat buffers they own, and their geometry), and the builder that
// lays a network's tensors out under the published state-dict names.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/segment_table.h"
#include "rlnas/choices.hpp"

namespace rlnas {

struct Conv2d {
  int weight = -1;  // segment of the parameters, OIHW
  int in_channels = 0;
  int out_channels = 0;
  int kernel = 1;
  int stride = 1;
  int padding = 0;
  int dilation = 1;
  int groups = 1;

  // Multiply-accumulates for one image with the given input size.
  std::int64_t macs(int height, int width) const;
};

struct BatchNorm {
  int channels = 0;
  int gamma = -1;  // segments of the parameters; -1: not affine
  int beta = -1;
  int running_mean = -1;  // segments of the statistics
  int running_var = -1;
  int use = -1;  // of the mixture whose factor stands for gamma; -1: none
};

struct Linear {
  int weight = -1;  // [out, in]
  int bias = -1;
  int in_features = 0;
  int out_features = 0;
};

enum class Affine { no, yes };

// Who owns a layer in the search space; see Segment.
struct Owner {
  int cell = -1;
  int edge = -1;
  int op = -1;
};

class ModelBuilder {
 public:
  explicit ModelBuilder(Initializer initializer = Initializer::pytorch) : initializer_(initializer) {}

  Conv2d conv(const std::string& name, Conv2d geometry, Owner owner = {});
  BatchNorm batch_norm(const std::string& name, int channels, Affine affine, Owner owner = {});
  Linear linear(const std::string& name, int in_features, int out_features);

  const SegmentTable& parameters() const { return parameters_; }
  const SegmentTable& statistics() const { return statistics_; }

  // Every tensor draws from its own Philox stream, keyed by its name.
  std::vector<float> initial_parameters(std::uint64_t seed) const;
  std::vector<float> initial_statistics() const;  // means 0, variances 1

 private:
  struct Initial {
    float constant = 0.0f;
    float bound = 0.0f;      // above 0: uniform over [-bound, bound]
    float deviation = 0.0f;  // above 0: normal around 0
  };
  int add(const std::string& name, std::vector<std::int64_t> shape, Owner owner, Initial initial);

  Initializer initializer_;
  SegmentTable parameters_, statistics_;
  std::vector<Initial> initials_;
};

}  // namespace rlnas
