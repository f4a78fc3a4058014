// Field numbers and types are those of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto),
// operators those of opset 17.
#include "search/export/onnx.h"

#include <cstring>
#include <limits>
#include <set>
#include <utility>

#include "engine/protobuf.h"
#include "kernels/check.h"
#include "rlnas/spec.hpp"
#include "search/version.h"

namespace rlnas {
namespace {

constexpr std::int64_t kIrVersion = 8, kOpset = 17;

enum DataType { kFloat = 1, kInt64 = 7 };

template <class T>
ProtobufMessage tensor_message(std::string_view name, DataType type, const std::vector<std::int64_t>& shape,
                               const std::vector<T>& values) {
  enum { dims = 1, data_type = 2, name_field = 8, raw_data = 9 };
  ProtobufMessage tensor;
  for (const std::int64_t extent : shape) tensor.add_int(dims, extent);
  tensor.add_int(data_type, type);
  tensor.add(name_field, name);
  // Little-endian, as the machines are that this runs on.
  tensor.add(raw_data, {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)});
  return tensor;
}

// A tensor whose first extent is the batch.
ProtobufMessage value_info(std::string_view name, const std::vector<int>& extents) {
  enum { info_name = 1, info_type = 2, tensor_type = 1, elem_type = 1, shape_field = 2, dim = 1 };
  enum { dim_value = 1, dim_param = 2 };
  ProtobufMessage shape, batch;
  batch.add(dim_param, "N");
  shape.add(dim, batch);
  for (const int extent : extents) {
    ProtobufMessage one;
    one.add_int(dim_value, extent);
    shape.add(dim, one);
  }
  ProtobufMessage tensor, type, info;
  tensor.add_int(elem_type, kFloat);
  tensor.add(shape_field, shape);
  type.add(tensor_type, tensor);
  info.add(info_name, name);
  info.add(info_type, type);
  return info;
}

class OnnxNode {
 public:
  OnnxNode(std::string_view op, std::string_view name, const std::vector<std::string>& inputs,
           std::string_view output) {
    enum { input_field = 1, output_field = 2, name_field = 3, op_type = 4 };
    for (const std::string& input : inputs) message_.add(input_field, input);
    message_.add(output_field, output);
    message_.add(name_field, name);
    message_.add(op_type, op);
  }

  OnnxNode& set(std::string_view name, std::int64_t value) {
    return add(name, kIntAttribute, [&](ProtobufMessage& a) { a.add_int(3, value); });
  }
  OnnxNode& set(std::string_view name, float value) {
    return add(name, kFloatAttribute, [&](ProtobufMessage& a) { a.add_float(2, value); });
  }
  OnnxNode& set(std::string_view name, const ProtobufMessage& tensor) {
    return add(name, kTensorAttribute, [&](ProtobufMessage& a) { a.add(5, tensor); });
  }
  OnnxNode& set_all(std::string_view name, int value, int count) {
    return add(name, kIntsAttribute, [&](ProtobufMessage& a) {
      for (int i = 0; i < count; ++i) a.add_int(8, value);
    });
  }
  const ProtobufMessage& message() const { return message_; }

 private:
  enum AttributeType { kFloatAttribute = 1, kIntAttribute = 2, kTensorAttribute = 4, kIntsAttribute = 7 };

  template <class AddValue>
  OnnxNode& add(std::string_view name, AttributeType type, const AddValue& add_value) {
    enum { attribute_field = 5, name_field = 1, type_field = 20 };
    ProtobufMessage attribute;
    attribute.add(name_field, name);
    add_value(attribute);
    attribute.add_int(type_field, type);
    message_.add(attribute_field, attribute);
    return *this;
  }

  ProtobufMessage message_;
};

class OnnxGraph {
 public:
  explicit OnnxGraph(const ExportNetwork& network) : network_(network) {
    graph_.add(kName, network.space);
    for (const ExportNode& node : network.nodes) {
      outputs_.push_back(&node == &network.nodes.back() ? "logits" : node.name);
      emit(node, outputs_.back());
    }
    const FeatureShape& images = network.input_shape();
    graph_.add(kInput, value_info("images", {images.channels, images.height, images.width}));
    graph_.add(kOutput, value_info("logits", {network.classes}));
  }
  const ProtobufMessage& message() const { return graph_; }

 private:
  enum Field { kNode = 1, kName = 2, kInitializer = 5, kInput = 11, kOutput = 12, kValueInfo = 13 };

  void add(const OnnxNode& node) { graph_.add(kNode, node.message()); }

  // A constant by its name; the same one is there once, however many nodes ask for it.
  template <class T>
  std::string constant(const std::string& name, DataType type, const std::vector<std::int64_t>& shape,
                       const std::vector<T>& values) {
    if (constants_.insert(name).second) graph_.add(kInitializer, tensor_message(name, type, shape, values));
    return name;
  }
  std::string integers(const std::string& name, const std::vector<std::int64_t>& values) {
    return constant(name, kInt64, {std::int64_t(values.size())}, values);
  }
  std::string scalar(const std::string& name, float value) {
    return constant(name, kFloat, {}, std::vector<float>{value});
  }
  std::string weight(const std::string& name) {
    const NamedTensor& tensor = network_.tensor(name);
    return constant(name, kFloat, tensor.shape, tensor.data);
  }

  std::vector<std::string> inputs(const ExportNode& node) const {
    std::vector<std::string> names;
    for (const int input : node.inputs) names.push_back(outputs_[std::size_t(input)]);
    return names;
  }

  void batch_norm(const ExportNode& node, const std::string& output) {
    const std::vector<std::int64_t> shape{network_.node_of(node).shape.channels};
    const auto filled = [&](const char* name, float value) {
      return constant(std::string(name) + "_" + std::to_string(shape.front()), kFloat, shape,
                      std::vector<float>(std::size_t(shape.front()), value));
    };
    const bool affine = network_.node_of(node).affine == Affine::yes;
    const std::string gamma = affine ? weight(node.name + ".weight") : filled("unit_scale", 1.0f),
                      beta = affine ? weight(node.name + ".bias") : filled("no_shift", 0.0f),
                      mean = weight(node.name + ".running_mean"), var = weight(node.name + ".running_var");
    add(OnnxNode("BatchNormalization", node.name, {inputs(node).front(), gamma, beta, mean, var}, output)
            .set("epsilon", BatchNormSpec{}.epsilon));
  }

  void pool(const char* op, const ExportNode& node, const std::string& output) {
    const Pool& pool = network_.node_of(node).pool;
    OnnxNode made(op, node.name, inputs(node), output);
    made.set_all("kernel_shape", pool.kernel, 2)
        .set_all("strides", pool.stride, 2)
        .set_all("pads", pool.padding, 4);
    if (node.kind == NodeKind::avg_pool) made.set("count_include_pad", std::int64_t{0});
    add(made);
  }

  // Zeros of as many images as there are.
  void zeros(const ExportNode& node, const std::string& output) {
    const FeatureShape& shape = network_.node_of(node).shape;
    const std::string batch = "batch", extents = output + "_shape";
    if (constants_.insert(batch).second)
      add(OnnxNode("Shape", batch, {"images"}, batch)
              .set("start", std::int64_t{0})
              .set("end", std::int64_t{1}));
    std::vector<std::int64_t> others{shape.channels};
    std::string name = "extents_" + std::to_string(shape.channels);
    if (!node.matrix) {
      others.insert(others.end(), {shape.height, shape.width});
      name += "_" + std::to_string(shape.height) + "_" + std::to_string(shape.width);
    }
    add(OnnxNode("Concat", extents, {batch, integers(name, others)}, extents).set("axis", std::int64_t{0}));
    add(OnnxNode("ConstantOfShape", node.name, {extents}, output)
            .set("value", tensor_message("value", kFloat, {1}, std::vector<float>{0.0f})));
  }

  void emit(const ExportNode& node, const std::string& output) {
    const Node& of = network_.node_of(node);
    switch (node.kind) {
      case NodeKind::input:
        return;
      case NodeKind::zeros:
        return zeros(node, output);
      case NodeKind::conv:
        return add(OnnxNode("Conv", node.name, {inputs(node).front(), weight(node.name + ".weight")}, output)
                       .set_all("kernel_shape", of.conv.kernel, 2)
                       .set_all("strides", of.conv.stride, 2)
                       .set_all("pads", of.conv.padding, 4)
                       .set_all("dilations", of.conv.dilation, 2)
                       .set("group", std::int64_t(of.conv.groups)));
      case NodeKind::batch_norm:
        return batch_norm(node, output);
      case NodeKind::activation:
        if (of.activation == Activation::relu) return add(OnnxNode("Relu", node.name, inputs(node), output));
        RLNAS_CHECK(of.activation == Activation::relu6, run_failed, "an activation without a name");
        return add(OnnxNode("Clip", node.name,
                            {inputs(node).front(), scalar("zero", 0.0f), scalar("six", 6.0f)}, output));
      case NodeKind::sum:
        return add(OnnxNode("Sum", node.name, inputs(node), output));
      case NodeKind::concat:
        return add(OnnxNode("Concat", node.name, inputs(node), output).set("axis", std::int64_t{1}));
      case NodeKind::avg_pool:
        return pool("AveragePool", node, output);
      case NodeKind::max_pool:
        return pool("MaxPool", node, output);
      case NodeKind::global_avg_pool:
        add(OnnxNode("GlobalAveragePool", node.name, inputs(node), node.name + "_pixel"));
        return add(OnnxNode("Flatten", node.name + "_flat", {node.name + "_pixel"}, output)
                       .set("axis", std::int64_t{1}));
      case NodeKind::subsample: {
        constexpr std::int64_t kEnd = std::numeric_limits<std::int64_t>::max();
        const std::string first = "from_" + std::to_string(of.offset);
        return add(OnnxNode(
            "Slice", node.name,
            {inputs(node).front(), integers(first, {of.offset, of.offset}), integers("to_end", {kEnd, kEnd}),
             integers("of_rows_and_columns", {2, 3}), integers("every_second", {2, 2})},
            output));
      }
      case NodeKind::linear:
        return add(
            OnnxNode("Gemm", node.name,
                     {inputs(node).front(), weight(node.name + ".weight"), weight(node.name + ".bias")},
                     output)
                .set("transB", std::int64_t{1}));
      case NodeKind::weighted_sum:
      case NodeKind::slice:
      case NodeKind::channel_shuffle:
      case NodeKind::dropout:
      case NodeKind::drop_path:
      case NodeKind::boundary:
        break;
    }
    fail(ErrorCode::run_failed, "ONNX: no operator for ", kind_word(node.kind));
  }

  const ExportNetwork& network_;
  ProtobufMessage graph_;
  std::set<std::string> constants_;
  std::vector<std::string> outputs_;  // of each node, the name of its value
};

}  // namespace

std::string onnx_model(const ExportNetwork& network) {
  enum {
    ir_version = 1,
    producer_name = 2,
    producer_version = 3,
    graph = 7,
    opset_import = 8,
    metadata = 14
  };
  ProtobufMessage opset, model;
  opset.add(1, "");
  opset.add_int(2, kOpset);
  model.add_int(ir_version, kIrVersion);
  model.add(producer_name, "rlnas");
  model.add(producer_version, kVersion);
  model.add(graph, OnnxGraph(network).message());
  model.add(opset_import, opset);
  for (const auto& [key, value] :
       {std::pair{"space", network.space}, {"arch", network.arch}, {"weights", network.weights}}) {
    ProtobufMessage entry;
    entry.add(1, key);
    entry.add(2, value);
    model.add(metadata, entry);
  }
  return model.bytes();
}

}  // namespace rlnas
