#include "tests/simulator/cudnn_norm_pool.h"

#include <cmath>
#include <cstring>
#include <sstream>
#include <stdexcept>

namespace rlnas::simulator {
namespace {

constexpr int kUnreadable = 0xFF;  // NaN

template <class Visit>
void visit_numbers(auto& operation, const Visit& visit) {
  for (auto& tensor : operation.tensors) {
    visit(tensor.id);
    for (auto& size : tensor.sizes) visit(size);
    for (auto& stride : tensor.strides) visit(stride);
    visit(tensor.alignment);
  }
  visit(operation.epsilon_id);
  for (auto* pair : {&operation.window, &operation.stride, &operation.padding})
    for (auto& value : *pair) visit(value);
}

// The tensors of an operation and the memory they are in, by their places in NormPool::tensors.
class Operands {
 public:
  Operands(const NormPool& operation, std::span<void* const> data) : operation_(operation), data_(data) {}

  Dense result(std::size_t i) const {
    std::memset(data_[i], kUnreadable, operation_.tensors[i].bytes());
    return Dense(operation_.tensors[i]);
  }
  Dense operand(std::size_t i) const {
    Dense dense(operation_.tensors[i]);
    dense.read(data_[i]);
    return dense;
  }
  void write(std::size_t i, Dense& dense) const { dense.write(data_[i]); }

 private:
  const NormPool& operation_;
  std::span<void* const> data_;
};

// Calls visit(element, channel) for each of [M,C].
template <class Visit>
void for_each_element(const GraphTensor& matrix, const Visit& visit) {
  const std::size_t channels = std::size_t(matrix.sizes[1]);
  for (std::size_t i = 0; i < matrix.count(); ++i) visit(i, i % channels);
}

void norm_forward(const NormPool& operation, const Operands& in, double epsilon) {
  const GraphTensor& matrix = operation.tensors[0];
  const double rows = double(matrix.count()) / double(matrix.sizes[1]);
  Dense y = in.result(1), mean = in.result(2), inverse = in.result(3);
  Dense x = in.operand(0), gamma = in.operand(4), beta = in.operand(5);
  for_each_element(matrix, [&](std::size_t i, std::size_t c) { mean.values()[c] += x.values()[i] / rows; });
  for_each_element(matrix, [&](std::size_t i, std::size_t c) {
    inverse.values()[c] += std::pow(x.values()[i] - mean.values()[c], 2) / rows;
  });
  for (double& value : inverse.values()) value = 1.0 / std::sqrt(value + epsilon);
  for_each_element(matrix, [&](std::size_t i, std::size_t c) {
    y.values()[i] =
        (x.values()[i] - mean.values()[c]) * inverse.values()[c] * gamma.values()[c] + beta.values()[c];
  });
  in.write(1, y);
  in.write(2, mean);
  in.write(3, inverse);
}

void norm_backward(const NormPool& operation, const Operands& in) {
  const GraphTensor& matrix = operation.tensors[0];
  const double rows = double(matrix.count()) / double(matrix.sizes[1]);
  Dense dx = in.result(2), dgamma = in.result(6), dbeta = in.result(7);
  Dense x = in.operand(0), dy = in.operand(1), mean = in.operand(3), inverse = in.operand(4),
        gamma = in.operand(5);
  const auto normalised = [&](std::size_t i, std::size_t c) {
    return (x.values()[i] - mean.values()[c]) * inverse.values()[c];
  };
  for_each_element(matrix, [&](std::size_t i, std::size_t c) {
    dgamma.values()[c] += dy.values()[i] * normalised(i, c);
    dbeta.values()[c] += dy.values()[i];
  });
  for_each_element(matrix, [&](std::size_t i, std::size_t c) {
    dx.values()[i] = gamma.values()[c] * inverse.values()[c] *
                     (dy.values()[i] - (dbeta.values()[c] + normalised(i, c) * dgamma.values()[c]) / rows);
  });
  in.write(2, dx);
  in.write(6, dgamma);
  in.write(7, dbeta);
}

void average(const NormPool& operation, const Operands& in) {
  const bool forward = operation.kind == NormPool::Kind::average_forward;
  const std::size_t result = forward ? 1 : 0;
  Dense to = in.result(result), from = in.operand(1 - result);
  Dense &image = forward ? from : to, &pooled = forward ? to : from;
  const auto& [batch, channels, height, width] = operation.tensors[0].sizes;
  const auto& out = operation.tensors[1].sizes;
  for (std::int64_t n = 0; n < batch; ++n)
    for (std::int64_t p = 0; p < out[2]; ++p)
      for (std::int64_t q = 0; q < out[3]; ++q) {
        const std::int64_t top = p * operation.stride[0] - operation.padding[0];
        const std::int64_t left = q * operation.stride[1] - operation.padding[1];
        const std::int64_t h0 = std::max<std::int64_t>(top, 0), w0 = std::max<std::int64_t>(left, 0);
        const std::int64_t h1 = std::min(top + operation.window[0], height);
        const std::int64_t w1 = std::min(left + operation.window[1], width);
        const double share = 1.0 / double((h1 - h0) * (w1 - w0));
        for (std::int64_t h = h0; h < h1; ++h)
          for (std::int64_t w = w0; w < w1; ++w)
            for (std::int64_t c = 0; c < channels; ++c) {
              double &pixel = image.at(n, h, w)[c], &mean = pooled.at(n, p, q)[c];
              (forward ? mean : pixel) += share * (forward ? pixel : mean);
            }
      }
  in.write(result, to);
}

}  // namespace

std::string text_of(const NormPool& operation) {
  std::ostringstream text;
  text << int(operation.kind) << ' ' << operation.tensors.size();
  visit_numbers(operation, [&](std::int64_t value) { text << ' ' << value; });
  return text.str();
}

NormPool norm_pool_of(const std::string& text) {
  std::istringstream in(text);
  NormPool operation;
  int kind = 0;
  std::size_t count = 0;
  in >> kind >> count;
  operation.kind = NormPool::Kind(kind);
  operation.tensors.resize(count);
  visit_numbers(operation, [&](std::int64_t& value) { in >> value; });
  if (!in) throw std::runtime_error("not a batch norm or pooling: " + text);
  return operation;
}

void run(const NormPool& operation, std::span<void* const> data, double epsilon) {
  const Operands operands(operation, data);
  switch (operation.kind) {
    case NormPool::Kind::norm_forward:
      return norm_forward(operation, operands, epsilon);
    case NormPool::Kind::norm_backward:
      return norm_backward(operation, operands);
    case NormPool::Kind::average_forward:
    case NormPool::Kind::average_backward:
      return average(operation, operands);
  }
}

}  // namespace rlnas::simulator
