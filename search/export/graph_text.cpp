#include "search/export/graph_text.h"

#include <nlohmann/json.hpp>
#include <sstream>

namespace rlnas {
namespace {

using Json = nlohmann::ordered_json;

const char* activation_word(Activation activation) {
  return activation == Activation::relu ? "relu" : activation == Activation::relu6 ? "relu6" : "none";
}

std::vector<int> shape_of(const ExportNetwork& network, const ExportNode& node) {
  const FeatureShape& shape = network.node_of(node).shape;
  if (node.matrix) return {shape.channels};
  return {shape.channels, shape.height, shape.width};
}

std::string stage_of(const ExportNetwork& network, const ExportNode& node) {
  const int stage = network.node_of(node).stage;
  return stage < 0 ? "" : network.graph.stage_name(stage);
}

// "conv 3x3, stride 2, 16 groups"
std::string words_of(const Node& node, NodeKind kind) {
  std::ostringstream text;
  switch (kind) {
    case NodeKind::conv: {
      const Conv2d& c = node.conv;
      text << "conv " << c.kernel << 'x' << c.kernel;
      if (c.stride > 1) text << ", stride " << c.stride;
      if (c.dilation > 1) text << ", dilation " << c.dilation;
      if (c.groups > 1) text << ", " << c.groups << " groups";
      break;
    }
    case NodeKind::activation:
      text << activation_word(node.activation);
      break;
    case NodeKind::avg_pool:
    case NodeKind::max_pool:
      text << kind_word(kind) << ' ' << node.pool.kernel << 'x' << node.pool.kernel;
      if (node.pool.stride > 1) text << ", stride " << node.pool.stride;
      break;
    case NodeKind::subsample:
      text << "every second pixel from " << node.offset;
      break;
    default:
      text << kind_word(kind);
  }
  return text.str();
}

std::string in_quotes(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

// Of a float as a double: 1e-05, not 9.99999974738e-06.
double shortest(float value) {
  std::ostringstream text;
  text << value;
  return std::stod(text.str());
}

const char* fill_of(NodeKind kind) {
  switch (kind) {
    case NodeKind::conv:
    case NodeKind::linear:
      return "#cfe3f2";
    case NodeKind::avg_pool:
    case NodeKind::max_pool:
    case NodeKind::global_avg_pool:
    case NodeKind::subsample:
      return "#f6dcc9";
    case NodeKind::sum:
    case NodeKind::concat:
      return "#cdeadf";
    default:
      return "#f6f7f9";
  }
}

}  // namespace

std::string graph_dot(const ExportNetwork& network) {
  std::ostringstream out;
  out << "// " << network.space << ": " << network.arch << "\ndigraph network {\n"
      << "  node [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\", fontsize=10];\n"
      << "  edge [fontname=\"sans-serif\", fontsize=8, color=\"#59626d\"];\n";
  std::string stage;
  int clusters = 0;
  for (std::size_t i = 0; i < network.nodes.size(); ++i) {
    const ExportNode& node = network.nodes[i];
    if (const std::string its = stage_of(network, node); its != stage) {
      if (!stage.empty()) out << "  }\n";
      if (!its.empty())
        out << "  subgraph cluster_" << clusters++ << " {\n  label=" << in_quotes(its)
            << "; color=\"#d5dae0\";\n";
      stage = its;
    }
    const bool layer = node.name == network.node_of(node).name;
    std::string label = words_of(network.node_of(node), node.kind);
    if (layer) label += "\n" + node.name;
    // Graphviz reads \n in a label as a new line.
    std::string text = in_quotes(label);
    for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at))
      text.replace(at, 1, "\\n");
    out << "  " << in_quotes(node.name) << " [label=" << text << ", fillcolor=\"" << fill_of(node.kind)
        << "\"];\n";
  }
  if (!stage.empty()) out << "  }\n";
  for (const ExportNode& node : network.nodes)
    for (const int input : node.inputs) {
      const ExportNode& source = network.nodes[std::size_t(input)];
      std::string shape;
      for (const int extent : shape_of(network, source))
        shape += (shape.empty() ? "" : "x") + std::to_string(extent);
      out << "  " << in_quotes(source.name) << " -> " << in_quotes(node.name) << " [label=\"" << shape
          << "\"];\n";
    }
  out << "}\n";
  return out.str();
}

std::string graph_json(const ExportNetwork& network) {
  const FeatureShape& images = network.input_shape();
  Json nodes = Json::array();
  std::int64_t macs = 0, params = 0;
  for (const ExportNode& node : network.nodes) {
    const Node& of = network.node_of(node);
    Json inputs = Json::array();
    for (const int input : node.inputs) inputs.push_back(network.nodes[std::size_t(input)].name);
    Json json{{"name", node.name},
              {"kind", kind_word(node.kind)},
              {"inputs", std::move(inputs)},
              {"shape", shape_of(network, node)},
              {"stage", stage_of(network, node)}};
    switch (node.kind) {
      case NodeKind::conv:
        json["kernel"] = of.conv.kernel;
        json["stride"] = of.conv.stride;
        json["padding"] = of.conv.padding;
        json["dilation"] = of.conv.dilation;
        json["groups"] = of.conv.groups;
        break;
      case NodeKind::batch_norm:
        json["affine"] = of.affine == Affine::yes;
        json["epsilon"] = shortest(BatchNormSpec{}.epsilon);
        break;
      case NodeKind::activation:
        json["activation"] = activation_word(of.activation);
        break;
      case NodeKind::avg_pool:
      case NodeKind::max_pool:
        json["kernel"] = of.pool.kernel;
        json["stride"] = of.pool.stride;
        json["padding"] = of.pool.padding;
        break;
      case NodeKind::subsample:
        json["offset"] = of.offset;
        break;
      default:
        break;
    }
    if (node.kind == NodeKind::conv || node.kind == NodeKind::batch_norm || node.kind == NodeKind::linear) {
      const NodeCost cost = cost_of(of, network.graph);
      json["macs"] = cost.macs;
      json["params"] = cost.params;
      macs += cost.macs;
      params += cost.params;
    }
    nodes.push_back(std::move(json));
  }
  const Json json{{"format", "rlnas-network"},
                  {"version", 1},
                  {"space", network.space},
                  {"arch", network.arch},
                  {"weights", network.weights},
                  {"classes", network.classes},
                  {"input", {images.channels, images.height, images.width}},
                  {"macs", macs},
                  {"params", params},
                  {"nodes", std::move(nodes)},
                  {"output", network.nodes.back().name}};
  return json.dump(1) + "\n";
}

}  // namespace rlnas
