// network::Graph: ops/graph.h behind a handle, with what a caller may get wrong told as usage.
#include "search/api/network_graph.h"

#include <algorithm>

#include "kernels/check.h"

namespace rlnas::network {
namespace {

int checked(const rlnas::Graph& graph, Node node) {
  RLNAS_CHECK(int(node) >= 0 && int(node) < graph.size(), usage, "node ", int(node),
              " is none of this graph, which has ", graph.size());
  return int(node);
}

std::vector<int> checked(const rlnas::Graph& graph, const std::vector<Node>& nodes, const char* what) {
  RLNAS_CHECK(!nodes.empty(), usage, what, " of nothing");
  std::vector<int> numbers;
  for (const Node node : nodes) numbers.push_back(checked(graph, node));
  return numbers;
}

void check_name(const rlnas::Graph& graph, const std::string& name) {
  RLNAS_CHECK(!name.empty(), usage, "a layer without a name");
  for (const rlnas::Node& node : graph.nodes())
    RLNAS_CHECK(node.name != name, usage, "two layers are called ", name);
}

void check_pool(const Pool& pool, const FeatureShape& in) {
  RLNAS_CHECK(pool.kernel > 0 && pool.kernel <= 15 && pool.stride > 0 && pool.padding >= 0 &&
                  2 * pool.padding <= pool.kernel,
              usage,
              "pooling: sizes must be positive, the kernel at most 15, the padding at most half of it");
  RLNAS_CHECK(std::min(in.height, in.width) + 2 * pool.padding >= pool.kernel, usage, "pooling: an image of ",
              in.height, "x", in.width, " is smaller than the window");
}

}  // namespace

Graph::Graph(Shape input) : state_(std::make_unique<State>()) {
  RLNAS_CHECK(input.channels > 0 && input.height > 0 && input.width > 0, usage, "images of ", input.height,
              "x", input.width, "x", input.channels);
  state_->graph.input({input.channels, input.height, input.width});
}

Graph::~Graph() = default;
Graph::Graph(Graph&&) noexcept = default;
Graph& Graph::operator=(Graph&&) noexcept = default;

Node Graph::conv(Node x, const std::string& name, const Conv& conv) {
  rlnas::Graph& graph = state_->graph;
  const FeatureShape in = graph[checked(graph, x)].shape;
  check_name(graph, name);
  RLNAS_CHECK(conv.out_channels > 0 && conv.kernel > 0 && conv.stride > 0 && conv.dilation > 0 &&
                  conv.padding >= 0 && conv.groups > 0,
              usage, name, ": a size is not positive");
  RLNAS_CHECK(in.channels % conv.groups == 0 && conv.out_channels % conv.groups == 0, usage, name, ": ",
              in.channels, " -> ", conv.out_channels, " channels cannot be split into ", conv.groups,
              " groups");
  const int reach = conv.dilation * (conv.kernel - 1) + 1;
  RLNAS_CHECK(std::min(in.height, in.width) + 2 * conv.padding >= reach, usage, name, ": a filter of reach ",
              reach, " does not fit an image of ", in.height, "x", in.width, " with padding ", conv.padding);
  return Node{graph.conv(int(x), name,
                         {.out_channels = conv.out_channels,
                          .kernel = conv.kernel,
                          .stride = conv.stride,
                          .padding = conv.padding,
                          .dilation = conv.dilation,
                          .groups = conv.groups})};
}

Node Graph::batch_norm(Node x, const std::string& name) {
  check_name(state_->graph, name);
  return Node{state_->graph.batch_norm(checked(state_->graph, x), name)};
}

Node Graph::relu(Node x) {
  return Node{state_->graph.relu(checked(state_->graph, x))};
}

Node Graph::relu6(Node x) {
  return Node{state_->graph.activation(checked(state_->graph, x), Activation::relu6)};
}

Node Graph::sum(const std::vector<Node>& terms) {
  RLNAS_CHECK(terms.size() <= std::size_t(AffineSumSpec::kMaxTerms), usage, "a sum of ", terms.size(),
              " terms: at most ", int(AffineSumSpec::kMaxTerms), "; add it up in two");
  const std::vector<int> nodes = checked(state_->graph, terms, "a sum");
  for (const int node : nodes)
    RLNAS_CHECK(shape(Node{node}) == shape(terms.front()), usage, "a sum of tensors of different shapes");
  return Node{state_->graph.sum(nodes)};
}

Node Graph::concat(const std::vector<Node>& parts) {
  const std::vector<int> nodes = checked(state_->graph, parts, "a concatenation");
  const Shape first = shape(parts.front());
  for (const Node part : parts)
    RLNAS_CHECK(shape(part).height == first.height && shape(part).width == first.width, usage,
                "images of different sizes cannot be concatenated");
  return Node{state_->graph.concat(nodes)};
}

Node Graph::slice(Node x, int first_channel, int channels) {
  const int all = shape(x).channels;
  RLNAS_CHECK(first_channel >= 0 && channels > 0 && first_channel <= all - channels, usage, channels,
              " channels from ", first_channel, " on, of ", all);
  return Node{state_->graph.slice(int(x), first_channel, channels)};
}

Node Graph::channel_shuffle(Node x, int groups) {
  RLNAS_CHECK(groups > 0 && shape(x).channels % groups == 0, usage, shape(x).channels, " channels in ",
              groups, " groups");
  return Node{state_->graph.channel_shuffle(int(x), groups)};
}

Node Graph::avg_pool(Node x, const Pool& pool) {
  check_pool(pool, state_->graph[checked(state_->graph, x)].shape);
  return Node{state_->graph.avg_pool(int(x), {pool.kernel, pool.stride, pool.padding})};
}

Node Graph::max_pool(Node x, const Pool& pool) {
  check_pool(pool, state_->graph[checked(state_->graph, x)].shape);
  return Node{state_->graph.max_pool(int(x), {pool.kernel, pool.stride, pool.padding})};
}

Node Graph::global_avg_pool(Node x) {
  return Node{state_->graph.global_avg_pool(checked(state_->graph, x))};
}

Node Graph::linear(Node x, const std::string& name, int out_features) {
  const Shape in = shape(x);
  check_name(state_->graph, name);
  RLNAS_CHECK(in.height == 1 && in.width == 1, usage, name, ": a linear layer reads 1x1 pixels, not ",
              in.height, "x", in.width, ": pool first");
  RLNAS_CHECK(out_features > 0, usage, name, ": ", out_features, " features");
  return Node{state_->graph.linear(int(x), name, out_features)};
}

Node Graph::dropout(Node x, const std::string& name) {
  check_name(state_->graph, name);
  return Node{state_->graph.dropout(checked(state_->graph, x), name)};
}

Node Graph::drop_path(Node x, const std::string& name) {
  check_name(state_->graph, name);
  return Node{state_->graph.drop_path(checked(state_->graph, x), name)};
}

void Graph::output(Node logits) {
  const Shape of = shape(logits);
  RLNAS_CHECK(state_->graph.outputs().empty(), usage, "a graph has one output");
  RLNAS_CHECK(of.height == 1 && of.width == 1, usage, "logits are of 1x1 pixels, not ", of.height, "x",
              of.width);
  state_->graph.add_output(int(logits));
}

int Graph::classes() const {
  const rlnas::Graph& graph = state_->graph;
  return graph.outputs().empty() ? 0 : graph[graph.outputs().front().node].shape.channels;
}

Shape Graph::shape(Node node) const {
  const FeatureShape& of = state_->graph[checked(state_->graph, node)].shape;
  return {of.channels, of.height, of.width};
}

namespace {

NodeCost total(const rlnas::Graph& graph) {
  NodeCost all;
  for (const rlnas::Node& node : graph.nodes()) {
    const NodeCost one = cost_of(node, graph);
    all.macs += one.macs;
    all.params += one.params;
  }
  return all;
}

}  // namespace

std::int64_t Graph::macs() const {
  return total(state_->graph).macs;
}

std::int64_t Graph::parameters() const {
  return total(state_->graph).params;
}

}  // namespace rlnas::network
