#include "search/export/pytorch_source.h"

#include <algorithm>
#include <set>
#include <sstream>

#include "kernels/check.h"
#include "rlnas/spec.hpp"

namespace rlnas {
namespace {

constexpr std::size_t kLongTerm = 70;  // characters, beyond which a term of a sum gets a name

const char* const kImports = R"python(import json
import os
import sys

import torch
import torch.nn.functional as F
from torch import nn


class Network(nn.Module):
    def __init__(self):
        super().__init__()
)python";

const char* const kHelpers = R"python(
    def add(self, name, layer):
        """Puts a layer where its name says: parameters are called as in the file of weights."""
        *path, last = name.split(".")
        module = self
        for part in path:
            if part not in module._modules:
                module.add_module(part, nn.Module())
            module = module._modules[part]
        module.add_module(last, layer)

    def run(self, x, prefix, *names):
        """x through layers whose names begin alike, one after the other."""
        for name in names:
            x = self.get_submodule(f"{prefix}.{name}")(x)
        return x

)python";

const char* const kLoader = R"python(

def read_safetensors(path):
    """The tensors of a file of weights by their names; safetensors.torch.load_file gives the same."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        content = bytearray(file.read())
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        first, end = entry["data_offsets"]
        count = (end - first) // 4  # float32, as are all tensors that rlnas writes
        tensors[name] = torch.frombuffer(content, dtype=torch.float32, count=count, offset=first).reshape(entry["shape"])
    return tensors


def load(path=os.path.join(os.path.dirname(os.path.abspath(__file__)), WEIGHTS)):
    """The network with these weights, for inference. Every tensor of the file has its place, and the reverse."""
    network = Network()
    network.load_state_dict(read_safetensors(path), strict=True)
    return network.eval()


if __name__ == "__main__":
    network = load(*sys.argv[1:])
    with torch.no_grad():
        logits = network(torch.zeros(1, IMAGE))
    print(f"{sum(p.numel() for p in network.parameters()):,} parameters; logits of a blank image: {logits[0].tolist()}")
)python";

std::string in_quotes(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out + "\"";
}

// A text within """, on lines of at most `width` characters.
std::string wrapped(const std::string& text, std::size_t width) {
  std::string out, line;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    for (std::size_t at = 0; (at = word.find_first_of("\"\\", at)) != std::string::npos; at += 2)
      word.insert(at, "\\");
    if (!line.empty() && line.size() + word.size() >= width) {
      out += line + "\n";
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  return out + line;
}

std::string layer_call(const Node& node, const Graph& graph) {
  std::ostringstream text;
  const int in = graph[node.inputs.front()].shape.channels, out = node.shape.channels;
  switch (node.kind) {
    case NodeKind::conv: {
      const Conv2d& c = node.conv;
      text << "nn.Conv2d(" << in << ", " << out << ", " << c.kernel;
      if (c.stride > 1) text << ", stride=" << c.stride;
      if (c.padding > 0) text << ", padding=" << c.padding;
      if (c.dilation > 1) text << ", dilation=" << c.dilation;
      if (c.groups > 1) text << ", groups=" << c.groups;
      text << ", bias=False)";
      break;
    }
    case NodeKind::batch_norm:
      text << "nn.BatchNorm2d(" << out << ", eps=" << BatchNormSpec{}.epsilon
           << (node.affine == Affine::yes ? ")" : ", affine=False)");
      break;
    case NodeKind::linear:
      text << "nn.Linear(" << in << ", " << out << ")";
      break;
    default:
      return "";
  }
  return text.str();
}

// The lines of forward(). A value that one node reads stands where it is read; others have a name, which is
// free again once nothing reads it, so that what is done with does not stay in memory.
class Forward {
 public:
  explicit Forward(const ExportNetwork& network) : network_(network), features_(feature_names(network)) {
    readers_.resize(network.nodes.size(), 0);
    only_reader_.resize(network.nodes.size(), -1);
    for (std::size_t i = 0; i < network.nodes.size(); ++i)
      for (const int input : network.nodes[i].inputs) {
        ++readers_[std::size_t(input)];
        only_reader_[std::size_t(input)] = int(i);
      }
  }

  std::string text() {
    values_.push_back({.text = "images"});
    for (std::size_t i = 1; i < network_.nodes.size(); ++i) {
      begin_part(network_.node_of(network_.nodes[i]));
      Expression value = expression(network_.nodes[i]);
      if (i + 1 == network_.nodes.size()) {
        out_ << "        return " << text_of(value) << "\n";
        break;
      }
      if (wants_name(i, value)) value = named(i, value);
      values_.push_back(std::move(value));
    }
    return out_.str();
  }

 private:
  // `text`, or layers of one prefix that run on it.
  struct Expression {
    std::string text, prefix = {};
    std::vector<std::string> layers = {};
    std::vector<int> variables = {};  // that it reads, as often as it reads them
    int variable = -1;                // it is this one
  };

  static std::string text_of(const Expression& e) {
    if (e.layers.empty()) return e.text;
    std::string text = "self.run(" + e.text + ", " + in_quotes(e.prefix);
    for (const std::string& layer : e.layers)
      text +=
          ", " + (std::ranges::all_of(layer, [](char c) { return c >= '0' && c <= '9'; }) ? layer
                                                                                          : in_quotes(layer));
    return text + ")";
  }

  void begin_part(const Node& node) {
    const std::string stage = node.stage < 0 ? "" : network_.graph.stage_name(node.stage);
    if (stage != stage_)
      out_ << (stage_.empty() ? "" : "\n") << "        # ---- " << stage << "\n";
    else if (node.unit > unit_)
      out_ << "\n";
    stage_ = stage;
    unit_ = std::max(unit_, node.unit);
  }

  // Layers of one prefix are a line, an activation or a pool is part of the line that reads it.
  bool wants_name(std::size_t i, const Expression& value) const {
    const NodeKind kind = network_.nodes[i].kind;
    if (readers_[i] != 1 || !features_[i].empty() || kind == NodeKind::sum || kind == NodeKind::concat)
      return true;
    const ExportNode& reader = network_.nodes[std::size_t(only_reader_[i])];
    if (reader.kind == NodeKind::sum || reader.kind == NodeKind::concat)
      return text_of(value).size() > kLongTerm;
    return !value.layers.empty() && !continues(reader, value);
  }

  static bool continues(const ExportNode& layer, const Expression& value) {
    return !value.layers.empty() && layer.name.substr(0, layer.name.rfind('.')) == value.prefix;
  }

  Expression named(std::size_t i, const Expression& value) {
    for (const int variable : value.variables)
      if (--reads_left_[std::size_t(variable)] == 0) free_.insert(variable);
    int variable = int(reads_left_.size());
    if (free_.empty())
      reads_left_.push_back(0);
    else
      variable = free_.extract(free_.begin()).value();
    reads_left_[std::size_t(variable)] = readers_[i];
    const std::string name = "x" + std::to_string(variable);
    const FeatureShape& shape = network_.node_of(network_.nodes[i]).shape;
    out_ << "        " << name << " = " << text_of(value) << "  # ";
    if (!features_[i].empty()) out_ << features_[i] << ": ";
    out_ << shape.channels;
    if (!network_.nodes[i].matrix) out_ << "x" << shape.height << "x" << shape.width;
    out_ << "\n";
    return {.text = name, .variable = variable};
  }

  Expression expression(const ExportNode& node) {
    const Node& of = network_.node_of(node);
    Expression e;
    std::vector<std::string> in;
    for (const int input : node.inputs) {
      const Expression& value = values_[std::size_t(input)];
      in.push_back(text_of(value));
      if (value.variable >= 0) e.variables.push_back(value.variable);
      e.variables.insert(e.variables.end(), value.variables.begin(), value.variables.end());
    }
    const auto joined = [&](const char* between) {
      std::string text;
      for (const std::string& one : in) text += (text.empty() ? "" : between) + one;
      return text;
    };
    const auto pooled = [&](const char* function) {
      return std::string(function) + "(" + in.front() + ", " + std::to_string(of.pool.kernel) +
             ", stride=" + std::to_string(of.pool.stride) +
             (of.pool.padding > 0 ? ", padding=" + std::to_string(of.pool.padding) : "");
    };
    switch (node.kind) {
      case NodeKind::conv:
      case NodeKind::batch_norm:
      case NodeKind::linear:
        run_layer(node, in.front(), e);
        break;
      case NodeKind::zeros:
        e.text = "images.new_zeros(images.shape[0], " + std::to_string(of.shape.channels);
        if (!node.matrix)
          e.text += ", " + std::to_string(of.shape.height) + ", " + std::to_string(of.shape.width);
        e.text += ")";
        break;
      case NodeKind::activation:
        e.text = (of.activation == Activation::relu6 ? "F.relu6(" : "F.relu(") + in.front() + ")";
        break;
      case NodeKind::sum:
        e.text = joined(" + ");
        break;
      case NodeKind::concat:
        e.text = "torch.cat([" + joined(", ") + "], dim=1)";
        break;
      case NodeKind::avg_pool:
        e.text = pooled("F.avg_pool2d") + (of.pool.padding > 0 ? ", count_include_pad=False)" : ")");
        break;
      case NodeKind::max_pool:
        e.text = pooled("F.max_pool2d") + ")";
        break;
      case NodeKind::global_avg_pool:
        e.text = in.front() + ".mean(dim=(2, 3))";
        break;
      case NodeKind::subsample: {
        const std::string every = std::to_string(of.offset) + "::2";
        e.text = in.front() + "[:, :, " + every + ", " + every + "]";
        break;
      }
      case NodeKind::input:
      case NodeKind::weighted_sum:
      case NodeKind::slice:
      case NodeKind::channel_shuffle:
      case NodeKind::dropout:
      case NodeKind::drop_path:
      case NodeKind::boundary:
        fail(ErrorCode::run_failed, "PyTorch: no line for ", kind_word(node.kind));
    }
    return e;
  }

  void run_layer(const ExportNode& node, const std::string& input, Expression& e) const {
    const std::size_t dot = node.name.rfind('.');
    if (dot == std::string::npos) {
      e.text = "self.get_submodule(" + in_quotes(node.name) + ")(" + input + ")";
      return;
    }
    const Expression& before = values_[std::size_t(node.inputs.front())];
    e.prefix = node.name.substr(0, dot);
    e.text = input;
    if (continues(node, before)) {
      e.text = before.text;
      e.layers = before.layers;
    }
    e.layers.push_back(node.name.substr(dot + 1));
  }

  const ExportNetwork& network_;
  const std::vector<std::string> features_;
  std::vector<int> readers_;        // of each node, how many
  std::vector<int> only_reader_;    // likewise, where it is one
  std::vector<Expression> values_;  // likewise
  std::vector<int> reads_left_;     // of each variable
  std::set<int> free_;              // variables
  std::ostringstream out_;
  std::string stage_;
  int unit_ = -1;
};

}  // namespace

std::string pytorch_source(const ExportNetwork& network, const std::string& weights_name) {
  const FeatureShape& images = network.input_shape();
  std::ostringstream out;
  out << "\"\"\"" << wrapped("A network of the search space " + network.space + ", written by rlnas:", 110)
      << "\n\n"
      << wrapped(network.arch, 110) << "\n\n"
      << wrapped("Weights: " + network.weights + ". They are in " + weights_name + ".", 110) << "\n\n"
      << wrapped("Input: images [N," + std::to_string(images.channels) + "," + std::to_string(images.height) +
                     "," + std::to_string(images.width) + "], normalised as in training. Output: logits [N," +
                     std::to_string(network.classes) +
                     "]. For inference: batch norms go by their running statistics, nothing is dropped. "
                     "Of forward()'s lines each value's shape [C,H,W] is said behind it.",
                 110)
      << "\n\"\"\"\n"
      << kImports;
  std::set<std::string> run;
  for (const ExportNode& node : network.nodes) run.insert(node.name);
  const auto declare = [&](bool runs) {
    bool first = true;
    for (const Node& node : network.graph.nodes()) {
      if (node.inputs.empty() || run.contains(node.name) != runs) continue;
      const std::string call = layer_call(node, network.graph);
      if (call.empty()) continue;
      if (!runs && first) out << "        # In the file of weights, but on no way to the logits.\n";
      first = false;
      out << "        self.add(" << in_quotes(node.name) << ", " << call << ")\n";
    }
  };
  declare(true);
  declare(false);
  out << kHelpers << "    def forward(self, images):\n" << Forward(network).text();
  std::string loader = kLoader;
  const auto put = [&](const std::string& word, const std::string& text) {
    loader.replace(loader.find(word), word.size(), text);
  };
  put("WEIGHTS", in_quotes(weights_name));
  put("IMAGE", std::to_string(images.channels) + ", " + std::to_string(images.height) + ", " +
                   std::to_string(images.width));
  out << loader;
  return out.str();
}

}  // namespace rlnas
