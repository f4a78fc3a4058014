// Tensors of cuDNN's graphs on the host: what a descriptor says, and the numbers in double.
#pragma once

#include <cudnn.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace rlnas::simulator {

struct GraphTensor {
  std::int64_t id = 0;
  std::array<std::int64_t, 4> sizes{};    // N,C,H,W; a filter's K,C/g,R,S
  std::array<std::int64_t, 4> strides{};  // in elements
  cudnnDataType_t type = CUDNN_DATA_FLOAT;
  std::int64_t alignment = 1;  // in bytes

  std::size_t count() const;  // elements
  std::size_t element_bytes() const { return type == CUDNN_DATA_FLOAT ? 4 : 2; }
  std::size_t bytes() const;  // from the first element to the end of the last
};

// Any tensor as [N,H,W,C] (a filter as [K,R,S,C/g]), dense, in double.
class Dense {
 public:
  explicit Dense(const GraphTensor& tensor) : tensor_(tensor), values_(tensor.count()) {}

  double* at(std::int64_t n, std::int64_t h, std::int64_t w) {
    const auto& s = tensor_.sizes;
    return values_.data() + ((n * s[2] + h) * s[3] + w) * s[1];
  }
  void read(const void* from);
  void write(void* to);
  std::vector<double>& values() { return values_; }

 private:
  template <class Visit>
  void walk(const Visit& visit) {
    const auto& s = tensor_.sizes;
    const auto& stride = tensor_.strides;
    for (std::int64_t n = 0; n < s[0]; ++n)
      for (std::int64_t h = 0; h < s[2]; ++h)
        for (std::int64_t w = 0; w < s[3]; ++w)
          for (std::int64_t c = 0; c < s[1]; ++c)
            visit(at(n, h, w)[c], n * stride[0] + c * stride[1] + h * stride[2] + w * stride[3]);
  }

  const GraphTensor& tensor_;
  std::vector<double> values_;
};

}  // namespace rlnas::simulator
