#include "tests/simulated_libraries/host_conv.h"

#include <bit>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "kernels/check.h"

namespace rlnas::simulation {
namespace {

using nlohmann::json;

float to_float(std::uint16_t bf16) {
  return std::bit_cast<float>(std::uint32_t(bf16) << 16);
}

std::uint16_t to_bf16(float value) {  // nearest even; finite values alone
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return std::uint16_t((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

// Calls visit(element in memory) in the order N,H,W,C.
template <class Visit>
void for_each(const HostTensor& t, const Visit& visit) {
  for (std::int64_t n = 0; n < t.sizes[0]; ++n)
    for (std::int64_t h = 0; h < t.sizes[2]; ++h)
      for (std::int64_t w = 0; w < t.sizes[3]; ++w)
        for (std::int64_t c = 0; c < t.sizes[1]; ++c)
          visit(n * t.strides[0] + c * t.strides[1] + h * t.strides[2] + w * t.strides[3]);
}

// Dense, N,H,W,C.
std::vector<double> load(const HostTensor& t) {
  std::vector<double> values;
  values.reserve(std::size_t(t.count()));
  for_each(t, [&](std::int64_t at) {
    values.push_back(t.type == ElementType::float32
                         ? static_cast<const float*>(t.data)[at]
                         : to_float(static_cast<const std::uint16_t*>(t.data)[at]));
  });
  return values;
}

void store(const HostTensor& t, const std::vector<double>& values) {
  auto value = values.begin();
  for_each(t, [&](std::int64_t at) {
    const float rounded = float(*value++);
    if (t.type == ElementType::float32)
      static_cast<float*>(t.data)[at] = rounded;
    else
      static_cast<std::uint16_t*>(t.data)[at] = to_bf16(rounded);
  });
}

HostTensor tensor_of(const json& graph, const json& name) {
  for (const json& entry : graph.at("tensors")) {
    if (entry.at("name") != name) continue;
    HostTensor tensor;
    tensor.sizes = entry.at("dim").get<std::array<std::int64_t, 4>>();
    tensor.strides = entry.at("stride").get<std::array<std::int64_t, 4>>();
    const std::string type = entry.at("dataType");
    RLNAS_CHECK(type == "CUDNN_DATA_FLOAT" || type == "CUDNN_DATA_BFLOAT16", run_failed,
                "simulated cuDNN: no tensors of ", type);
    tensor.type = type == "CUDNN_DATA_FLOAT" ? ElementType::float32 : ElementType::bfloat16;
    tensor.id = std::stoll(name.get<std::string>());
    return tensor;
  }
  fail(ErrorCode::run_failed, "simulated cuDNN: no tensor ", name.dump());
}

}  // namespace

HostConv HostConv::of_plan(const json& plan) {
  const json& graph = plan.at("operationGraph");
  const json& nodes = graph.at("nodes");
  RLNAS_CHECK(nodes.size() == 1, run_failed, "simulated cuDNN: a graph of ", nodes.size(), " operations");
  const json& node = nodes[0];
  const std::string operation = node.at("operation");
  HostConv conv;
  std::array<const char*, 3> names;  // of x, w, y
  if (operation == "CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR") {
    conv.pass = ConvPass::forward;
    names = {"X", "W", "Y"};
  } else if (operation == "CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR") {
    conv.pass = ConvPass::backward_data;
    names = {"dX", "W", "dY"};
  } else if (operation == "CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR") {
    conv.pass = ConvPass::backward_weights;
    names = {"X", "dW", "dY"};
  } else {
    fail(ErrorCode::run_failed, "simulated cuDNN: no ", operation);
  }
  RLNAS_CHECK(
      node.at("alpha") == 1.0 && node.at("beta") == 0.0 && node.at("mode") == "CUDNN_CROSS_CORRELATION",
      run_failed, "simulated cuDNN: a convolution of another kind: ", node.dump());
  conv.padding = node.at("pad").get<std::array<std::int64_t, 2>>();
  conv.stride = node.at("stride").get<std::array<std::int64_t, 2>>();
  conv.dilation = node.at("dilation").get<std::array<std::int64_t, 2>>();
  conv.x = tensor_of(graph, node.at(names[0]));
  conv.w = tensor_of(graph, node.at(names[1]));
  conv.y = tensor_of(graph, node.at(names[2]));
  return conv;
}

void HostConv::run() const {
  const auto dense = [&](const HostTensor& t, bool result) {
    return result ? std::vector<double>(std::size_t(t.count())) : load(t);
  };
  std::vector<double> xs = dense(x, pass == ConvPass::backward_data),
                      ws = dense(w, pass == ConvPass::backward_weights),
                      ys = dense(y, pass == ConvPass::forward);
  const auto [batch, channels, height, width] = x.sizes;
  const auto [outputs, group_channels, filter_height, filter_width] = w.sizes;
  const std::int64_t out_height = y.sizes[2], out_width = y.sizes[3];
  const std::int64_t group_outputs = outputs / (channels / group_channels);

  for (std::int64_t n = 0; n < batch; ++n)
    for (std::int64_t p = 0; p < out_height; ++p)
      for (std::int64_t q = 0; q < out_width; ++q)
        for (std::int64_t r = 0; r < filter_height; ++r)
          for (std::int64_t s = 0; s < filter_width; ++s) {
            const std::int64_t h = p * stride[0] - padding[0] + r * dilation[0],
                               v = q * stride[1] - padding[1] + s * dilation[1];
            if (h < 0 || h >= height || v < 0 || v >= width) continue;
            double* const pixel = &xs[std::size_t(((n * height + h) * width + v) * channels)];
            for (std::int64_t k = 0; k < outputs; ++k) {
              double* const a = pixel + k / group_outputs * group_channels;
              double* const b =
                  &ws[std::size_t(((k * filter_height + r) * filter_width + s) * group_channels)];
              double& out = ys[std::size_t(((n * out_height + p) * out_width + q) * outputs + k)];
              for (std::int64_t c = 0; c < group_channels; ++c) {
                if (pass == ConvPass::forward) out += a[c] * b[c];
                if (pass == ConvPass::backward_data) a[c] += out * b[c];
                if (pass == ConvPass::backward_weights) b[c] += out * a[c];
              }
            }
          }
  if (pass == ConvPass::forward) store(y, ys);
  if (pass == ConvPass::backward_data) store(x, xs);
  if (pass == ConvPass::backward_weights) store(w, ws);
}

}  // namespace rlnas::simulation
