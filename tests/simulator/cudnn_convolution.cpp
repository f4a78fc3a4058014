#include "tests/simulator/cudnn_convolution.h"

#include <sstream>
#include <stdexcept>

namespace rlnas::simulator {
namespace {

template <class Visit>
void visit_numbers(auto& c, const Visit& visit) {
  for (auto* tensor : {&c.x, &c.w, &c.y}) {
    visit(tensor->id);
    for (auto& size : tensor->sizes) visit(size);
    for (auto& stride : tensor->strides) visit(stride);
    visit(tensor->alignment);
  }
  for (auto* pair : {&c.padding, &c.stride, &c.dilation})
    for (auto& value : *pair) visit(value);
}

// to [n] += factor * from [n]
void add_scaled(std::int64_t n, double factor, const double* from, double* to) {
  for (std::int64_t i = 0; i < n; ++i) to[i] += factor * from[i];
}

}  // namespace

std::string text_of(const Convolution& convolution) {
  std::ostringstream text;
  text << int(convolution.result) << ' ' << int(convolution.x.type);
  visit_numbers(convolution, [&](std::int64_t value) { text << ' ' << value; });
  return text.str();
}

Convolution convolution_of(const std::string& text) {
  std::istringstream in(text);
  Convolution convolution;
  int result = 0, type = 0;
  in >> result >> type;
  convolution.result = ConvolutionResult(result);
  for (auto* tensor : {&convolution.x, &convolution.w, &convolution.y}) tensor->type = cudnnDataType_t(type);
  visit_numbers(convolution, [&](std::int64_t& value) { in >> value; });
  if (!in) throw std::runtime_error("not a convolution: " + text);
  return convolution;
}

void run(const Convolution& convolution, void* x_data, void* w_data, void* y_data) {
  Dense x(convolution.x), w(convolution.w), y(convolution.y);
  if (convolution.result != ConvolutionResult::x) x.read(x_data);
  if (convolution.result != ConvolutionResult::w) w.read(w_data);
  if (convolution.result != ConvolutionResult::y) y.read(y_data);
  const auto& [batch, out_channels, out_height, out_width] = convolution.y.sizes;
  const std::int64_t in_height = convolution.x.sizes[2], in_width = convolution.x.sizes[3];
  const std::int64_t c_group = convolution.w.sizes[1], k_group = out_channels / convolution.groups();
  const auto input_of = [&](int axis, std::int64_t out, std::int64_t tap) {
    const std::size_t a = std::size_t(axis);
    return out * convolution.stride[a] - convolution.padding[a] + tap * convolution.dilation[a];
  };
  for (std::int64_t n = 0; n < batch; ++n)
    for (std::int64_t p = 0; p < out_height; ++p)
      for (std::int64_t q = 0; q < out_width; ++q)
        for (std::int64_t r = 0; r < convolution.w.sizes[2]; ++r)
          for (std::int64_t s = 0; s < convolution.w.sizes[3]; ++s) {
            const std::int64_t h = input_of(0, p, r), v = input_of(1, q, s);
            if (h < 0 || h >= in_height || v < 0 || v >= in_width) continue;
            double* const outputs = y.at(n, p, q);
            for (std::int64_t k = 0; k < out_channels; ++k) {
              double* const inputs = x.at(n, h, v) + k / k_group * c_group;
              double* const weights = w.at(k, r, s);
              switch (convolution.result) {
                case ConvolutionResult::x:
                  add_scaled(c_group, outputs[k], weights, inputs);
                  break;
                case ConvolutionResult::w:
                  add_scaled(c_group, outputs[k], inputs, weights);
                  break;
                case ConvolutionResult::y:
                  for (std::int64_t c = 0; c < c_group; ++c) outputs[k] += inputs[c] * weights[c];
              }
            }
          }
  switch (convolution.result) {
    case ConvolutionResult::x:
      return x.write(x_data);
    case ConvolutionResult::w:
      return w.write(w_data);
    case ConvolutionResult::y:
      return y.write(y_data);
  }
}

}  // namespace rlnas::simulator
