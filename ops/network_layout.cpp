#include "ops/network_layout.h"

#include "kernels/check.h"

namespace rlnas {

NetworkLayout::NetworkLayout(const Graph& graph, Initializer initializer) : tensors_(initializer) {
  for (const Node& node : graph.nodes()) {
    const int first = tensors_.parameters().size();
    Layer layer;
    switch (node.kind) {
      case NodeKind::conv:
        layer.conv = tensors_.conv(node.name, node.conv, node.owner);
        break;
      case NodeKind::batch_norm:
        layer.norm = tensors_.batch_norm(node.name, node.shape.channels, node.affine, node.owner);
        break;
      case NodeKind::linear:
        layer.linear =
            tensors_.linear(node.name, graph[node.inputs.front()].shape.channels, node.shape.channels);
        break;
      default:
        continue;
    }
    RLNAS_CHECK(layers_.emplace(node.name, layer).second, run_failed, "two layers are called ", node.name);
    if (node.unit < 0 || tensors_.parameters().size() == first) continue;
    if (unit_segments_.size() <= std::size_t(node.unit))
      unit_segments_.resize(std::size_t(node.unit) + 1, -1);
    int& segment = unit_segments_[std::size_t(node.unit)];
    if (segment < 0) segment = first;
  }
}

int NetworkLayout::first_segment(int unit) const {
  return std::size_t(unit) < unit_segments_.size() ? unit_segments_[std::size_t(unit)] : -1;
}

const NetworkLayout::Layer& NetworkLayout::layer(const std::string& name) const {
  const auto found = layers_.find(name);
  RLNAS_CHECK(found != layers_.end(), run_failed, "the network has no layer ", name);
  return found->second;
}

}  // namespace rlnas
