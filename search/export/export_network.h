// A network as exports write it: what runs from images to logits in inference, as the engine runs it (drops
// and known zeros left out, second outputs and dead nodes gone), and the tensors of its layers. Every format
// is written from this one description.
#pragma once

#include <string>
#include <vector>

#include "engine/safetensors.h"
#include "ops/graph.h"

namespace rlnas {

struct ExportNode {
  NodeKind kind;  // never boundary, dropout or drop_path, which pass on what they get; zeros: no inputs
  int node = -1;  // of the graph, which says all else of it
  std::vector<int> inputs = {};  // nodes that run before it
  bool matrix = false;           // its value is [N,C]; else [N,C,H,W]
  std::string name = {};         // of a layer: its state-dict prefix; of others kind and number; no two alike
};

struct ExportNetwork {
  std::string space, arch;  // as --space and --describe take them
  std::string weights;      // one line for people: where they are from
  int classes = 0;
  Graph graph;
  std::vector<ExportNode> nodes;  // in the order in which they run: the images first, the logits last
  TensorFile tensors;             // of all layers of the graph, also of those that do not run

  const Node& node_of(const ExportNode& node) const { return graph[node.node]; }
  const FeatureShape& input_shape() const { return graph[0].shape; }
  // A tensor of a layer. Errors: run_failed when there is none of this name.
  const NamedTensor& tensor(const std::string& name) const;
};

// What runs of a graph; its first output alone.
std::vector<ExportNode> nodes_that_run(const Graph& graph);

// "conv", "batch_norm": the word for a kind of node in exported files.
const char* kind_word(NodeKind kind);

// Of ExportNetwork::nodes: the feature that is this node ("stem", "cell 3"), for comments; "" for none.
std::vector<std::string> feature_names(const ExportNetwork& network);

}  // namespace rlnas
