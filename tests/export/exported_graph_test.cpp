// What is in exported files, read back without the libraries they are for.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "search/choice_tables.h"
#include "search/export/drawing_file.h"
#include "search/export/export_source.h"
#include "search/export/graph_text.h"
#include "search/export/onnx.h"
#include "search/export/pytorch_source.h"
#include "tests/report/report_support.h"
#include "tests/search/every_space.h"
#include "tests/support/errors.h"

namespace rlnas::test {
namespace {

// The fields of a protobuf message: numbers as they are, the bytes of all else.
struct Field {
  std::uint64_t number = 0;
  std::string_view bytes;
};

std::multimap<int, Field> fields_of(std::string_view message) {
  std::multimap<int, Field> fields;
  std::size_t at = 0;
  const auto varint = [&] {
    std::uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      REQUIRE(at < message.size());
      const auto byte = static_cast<unsigned char>(message[at++]);
      value |= std::uint64_t(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.size()) {
    const std::uint64_t key = varint();
    Field field;
    if ((key & 7) == 0) {
      field.number = varint();
    } else {
      REQUIRE(((key & 7) == 2 || (key & 7) == 5));
      const std::uint64_t length = (key & 7) == 5 ? 4 : varint();
      REQUIRE(at + length <= message.size());
      field.bytes = message.substr(at, length);
      at += length;
    }
    fields.emplace(int(key >> 3), field);
  }
  return fields;
}

std::string text_in(const std::multimap<int, Field>& fields, int field) {
  const auto found = fields.find(field);
  return found == fields.end() ? "" : std::string(found->second.bytes);
}

ExportNetwork network_of(const Space& space, const Genes& genes, int image_size = 0) {
  return read_export_network({.space = space.name(), .arch = space.text(genes), .image_size = image_size});
}

// The cells' sums of zeros, dead ends and all operations are among them.
std::vector<Genes> sample_of(const Space& space) {
  std::vector<Genes> sample = space.angle_sample(4);
  sample.push_back(space.largest());
  return sample;
}

}  // namespace

TEST_CASE("JSON and DOT have every node that runs, each after its inputs, and its weights in all") {
  for (const Space* space : every_space())
    for (const Genes& genes : sample_of(*space)) {
      const ExportNetwork network = network_of(*space, genes);
      const auto json = nlohmann::json::parse(graph_json(network));
      const std::string dot = graph_dot(network);
      CHECK(json.at("space") == space->name());
      CHECK(space->parse(json.at("arch")) == genes);
      REQUIRE(json.at("nodes").size() == network.nodes.size());
      std::set<std::string> seen;
      std::size_t edges = 0;
      for (const auto& node : json.at("nodes")) {
        for (const auto& input : node.at("inputs")) {
          CHECK(seen.contains(input));
          ++edges;
        }
        CHECK(seen.insert(node.at("name")).second);
        CHECK(contains(dot, "\"" + node.at("name").get<std::string>() + "\" [label="));
      }
      CHECK(occurrences(dot, " -> ") == int(edges));
      CHECK(occurrences(dot, "{") == occurrences(dot, "}"));
      CHECK(json.at("output") == json.at("nodes").back().at("name"));
      CHECK(json.at("nodes").back().at("shape") == nlohmann::json::array({network.classes}));
    }
}

// In MobileNet's space nothing is dead, so that what runs is what the space counts.
TEST_CASE("the parameters of the exported nodes are those that are counted") {
  const Space& space = find_space("mobilenet");
  for (const Genes& genes : sample_of(space)) {
    const ExportNetwork network = network_of(space, genes);
    const auto json = nlohmann::json::parse(graph_json(network));
    CHECK(json.at("params") == stand_alone_counts(space, space.published_stand_alone(
                                                             network.classes, network.input_shape().height))
                                   .params.of(genes));
  }
}

TEST_CASE("an ONNX file has opset 17, every layer once and the bytes of its weights") {
  for (const Space* space : every_space())
    for (const Genes& genes : sample_of(*space)) {
      const ExportNetwork network = network_of(*space, genes);
      const std::string bytes = onnx_model(network);
      const auto model = fields_of(bytes);
      CHECK(model.find(1)->second.number == 8);  // ir_version
      CHECK(fields_of(model.find(8)->second.bytes).find(2)->second.number == 17);
      const auto graph = fields_of(model.find(7)->second.bytes);

      std::map<std::string, std::string> tensors;  // name: raw data
      for (auto [one, end] = graph.equal_range(5); one != end; ++one) {
        const auto tensor = fields_of(one->second.bytes);
        CHECK(tensors.emplace(text_in(tensor, 8), text_in(tensor, 9)).second);
      }
      std::set<std::string> known{"images"};
      for (const auto& tensor : tensors) known.insert(tensor.first);
      std::set<std::string> names;
      for (auto [one, end] = graph.equal_range(1); one != end; ++one) {
        const auto node = fields_of(one->second.bytes);
        CHECK(names.insert(text_in(node, 3)).second);
        for (auto [input, last] = node.equal_range(1); input != last; ++input)
          CHECK(known.contains(std::string(input->second.bytes)));
        CHECK(known.insert(text_in(node, 2)).second);  // no value is made twice
      }
      CHECK(known.contains("logits"));
      for (const ExportNode& node : network.nodes) {
        CHECK((node.kind == NodeKind::input || names.contains(node.name)));
        if (node.kind != NodeKind::conv && node.kind != NodeKind::linear) continue;
        const std::vector<float>& weight = network.tensor(node.name + ".weight").data;
        CHECK(tensors.at(node.name + ".weight") ==
              std::string(reinterpret_cast<const char*>(weight.data()), weight.size() * sizeof(float)));
      }
    }
}

TEST_CASE("PyTorch source declares every layer of the graph once and runs each one that runs") {
  for (const Space* space : every_space())
    for (const Genes& genes : sample_of(*space)) {
      const ExportNetwork network = network_of(*space, genes);
      const std::string source = pytorch_source(network, "w.safetensors");
      int layers = 0;
      for (const Node& node : network.graph.nodes()) {
        if (node.kind != NodeKind::conv && node.kind != NodeKind::batch_norm && node.kind != NodeKind::linear)
          continue;
        CHECK(occurrences(source, "self.add(\"" + node.name + "\", nn.") == 1);
        ++layers;
      }
      CHECK(occurrences(source, "self.add(\"") == layers);
      CHECK(occurrences(source, "        return self.") == 1);
      CHECK(contains(source, "\"w.safetensors\""));
    }
}

TEST_CASE("a drawing is an SVG document by itself") {
  for (const Space* space : every_space())
    for (const Genes& genes : sample_of(*space)) {
      const std::string svg = architecture_svg_file(*space, genes);
      CHECK(unbalanced(svg) == "");
      CHECK(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" width="));
      CHECK(occurrences(svg, "<svg") == 1);
      CHECK(!contains(svg, "var("));
    }
}

TEST_CASE("what leads nowhere is left out, and what nothing reaches is zeros of as many images") {
  const Space& space = find_space("nasbench201");
  // Node 2 leads nowhere; its convolutions are in the weights all the same.
  ExportNetwork network = network_of(
      space, space.parse("|nor_conv_3x3~0|+|nor_conv_1x1~0|none~1|+|none~0|skip_connect~1|none~2|"));
  const auto runs = [&](const std::string& name) {
    return std::ranges::any_of(network.nodes, [&](const ExportNode& node) { return node.name == name; });
  };
  CHECK(runs("cells.0.edges.1<-0.3.op.1"));
  CHECK(!runs("cells.0.edges.2<-0.2.op.1"));
  CHECK(network.tensors.find("cells.0.edges.2<-0.2.op.1.weight") != nullptr);
  CHECK(contains(pytorch_source(network, "w"), "on no way to the logits"));

  network = network_of(space, space.parse("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"));
  const auto zeros = std::ranges::count(network.nodes, NodeKind::zeros, &ExportNode::kind);
  CHECK(zeros == 1);
  CHECK(contains(pytorch_source(network, "w"), "images.new_zeros(images.shape[0], 64, 8, 8)"));
}

}  // namespace rlnas::test
