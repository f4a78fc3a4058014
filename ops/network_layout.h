// The tensors of a graph's layers in the flat buffers, under their state-dict names, in the order in which
// the graph adds the layers. One made of a graph of all candidate operations serves every path through it.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "ops/graph.h"
#include "ops/layers.h"

namespace rlnas {

class NetworkLayout {
 public:
  NetworkLayout(const Graph& graph, Initializer initializer);

  const ModelBuilder& tensors() const { return tensors_; }
  // Errors: run_failed when there is no layer of this name.
  const Conv2d& conv(const std::string& name) const { return layer(name).conv; }
  const BatchNorm& batch_norm(const std::string& name) const { return layer(name).norm; }
  const Linear& linear(const std::string& name) const { return layer(name).linear; }
  // The first parameter of a unit of the graph, behind which lie those of all later units; -1: it has none.
  int first_segment(int unit) const;

 private:
  struct Layer {
    Conv2d conv = {};
    BatchNorm norm = {};
    Linear linear = {};
  };
  const Layer& layer(const std::string& name) const;

  ModelBuilder tensors_;
  std::unordered_map<std::string, Layer> layers_;
  std::vector<int> unit_segments_;
};

}  // namespace rlnas
