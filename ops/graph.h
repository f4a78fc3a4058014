// A network as a graph of a few hundred nodes: what a search space builds for given genes, and what the
// shapes, the costs, the names of the weights, the memory plan and the calls of a step are read from. It
// holds no weights and runs nothing: network_layout.h names its tensors, graph_program.h turns it into calls
// of ops/. Building one costs microseconds, so that every step of a SuperNet can build its path anew.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "ops/layers.h"
#include "ops/pool.h"

namespace rlnas {

enum class NodeKind : std::uint8_t {
  input,
  zeros,  // what a node of a cell is that nothing reaches
  conv,
  batch_norm,
  activation,
  sum,
  weighted_sum,  // by the weights of a search: see mixture.h
  concat,
  avg_pool,  // over the pixels inside the image
  max_pool,
  global_avg_pool,
  subsample,        // every second pixel of each row and column
  slice,            // a range of channels
  channel_shuffle,  // ShuffleNet's: the groups of channels in turn
  linear,
  dropout,
  drop_path,
  boundary,  // passes its input on; no zeros are followed through it (see Graph::boundary)
};

// Of one image: channels-last; a matrix is 1 x 1 pixels of F channels.
struct FeatureShape {
  int channels = 0;
  int height = 1;
  int width = 1;

  friend bool operator==(const FeatureShape&, const FeatureShape&) = default;
};

struct Node {
  NodeKind kind = NodeKind::input;
  FeatureShape shape;  // of the output
  std::vector<int> inputs;
  std::string name;  // of conv, batch_norm, linear: the state-dict prefix; of drops: their stream of draws
  Conv2d conv = {};  // of conv; its weight is named by the layout
  Pool pool = {};    // of avg_pool and max_pool
  Activation activation = Activation::none;
  Affine affine = Affine::yes;  // of batch_norm
  int offset = 0;               // of subsample: the first pixel; of slice: the first channel
  int groups = 1;               // of channel_shuffle
  int first_weight = -1;        // of weighted_sum: that of its first term; the others follow
  Owner owner;
  int unit = -1;
  int stage = -1;
};

class Graph {
 public:
  struct Output {
    int node = -1;
    float weight = 1.0f;  // of its loss in training
  };

  const std::vector<Node>& nodes() const { return nodes_; }
  const Node& operator[](int node) const { return nodes_[std::size_t(node)]; }
  int size() const { return int(nodes_.size()); }
  // The first is the network's own classifier; others are beside it while it trains.
  const std::vector<Output>& outputs() const { return outputs_; }
  const char* stage_name(int stage) const { return stages_[std::size_t(stage)]; }

  // Nodes added from here on belong to this stage of the network (a string literal; profiles are by stage),
  // to a new unit (a part whose weights lie together: gradients are exchanged unit by unit), to this owner.
  void begin_stage(const char* name) { stages_.push_back(name); }
  void begin_unit() { ++unit_; }
  void set_owner(Owner owner) { owner_ = owner; }

  // Each returns the new node. Shapes: those of the operations in ops/. Errors: run_failed for inputs that do
  // not fit; usage where that can be the image size's fault.
  int input(FeatureShape shape);
  int zeros(FeatureShape shape);
  int conv(int x, std::string name, Conv2d geometry);  // in_channels: those of x
  int batch_norm(int x, std::string name, Affine affine = Affine::yes);
  int activation(int x, Activation activation);
  int relu(int x) { return activation(x, Activation::relu); }
  // One of a single norm is that norm, written to memory: a node of a cell, however many edges read it.
  int sum(std::vector<int> terms);
  // Of terms times factors, numbers first_weight, first_weight + 1, ... of the mixture.
  int weighted_sum(std::vector<int> terms, int first_weight);
  int concat(std::vector<int> parts);
  int slice(int x, int first, int channels);
  int channel_shuffle(int x, int groups);
  int avg_pool(int x, Pool pool);
  int max_pool(int x, Pool pool);
  int global_avg_pool(int x);
  int subsample(int x, int offset);
  int linear(int x, std::string name, int out_features);
  int dropout(int x, std::string name);
  int drop_path(int x, std::string name);
  // A cell's output as the next cell sees it: data, also where it is known to be zero. So what lies behind a
  // cell that no path runs through still runs, and keeps its running statistics.
  int boundary(int x);

  void add_output(int node, float weight = 1.0f) { outputs_.push_back({node, weight}); }
  // A value that somebody may want to look at, under a name: "stem", "cell 3", "features".
  struct Feature {
    std::string name;
    int node;
  };
  void add_feature(std::string name, int node) { features_.push_back({std::move(name), node}); }
  const std::vector<Feature>& features() const { return features_; }

 private:
  int add(NodeKind kind, FeatureShape shape, std::vector<int> inputs, std::string name = {});
  int add_pool(NodeKind kind, int x, Pool pool);
  const FeatureShape& shape_of(int node) const { return nodes_[std::size_t(node)].shape; }

  std::vector<Node> nodes_;
  std::vector<Output> outputs_;
  std::vector<Feature> features_;
  std::vector<const char*> stages_;
  Owner owner_;
  int unit_ = -1;
};

// What one node costs for one image. MACs are multiply-accumulates of convolutions and of the classifier's
// matrix; all else counts none.
struct NodeCost {
  std::int64_t macs = 0;
  std::int64_t params = 0;
};
NodeCost cost_of(const Node& node, const Graph& graph);

}  // namespace rlnas
