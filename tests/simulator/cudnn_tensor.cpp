#include "tests/simulator/cudnn_tensor.h"

#include <bit>

namespace rlnas::simulator {
namespace {

float from_bf16(std::uint16_t bits) {
  return std::bit_cast<float>(std::uint32_t(bits) << 16);
}

std::uint16_t to_bf16(float value) {  // nearest, ties to even
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  if (value != value) return 0x7FFF;
  return std::uint16_t((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

}  // namespace

std::size_t GraphTensor::count() const {
  std::size_t product = 1;
  for (const std::int64_t size : sizes) product *= std::size_t(size);
  return product;
}

std::size_t GraphTensor::bytes() const {
  std::int64_t last = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) last += (sizes[i] - 1) * strides[i];
  return std::size_t(last + 1) * element_bytes();
}

void Dense::read(const void* from) {
  walk([&](double& value, std::int64_t offset) {
    if (tensor_.type == CUDNN_DATA_FLOAT)
      value = static_cast<const float*>(from)[offset];
    else
      value = from_bf16(static_cast<const std::uint16_t*>(from)[offset]);
  });
}

void Dense::write(void* to) {
  walk([&](double& value, std::int64_t offset) {
    if (tensor_.type == CUDNN_DATA_FLOAT)
      static_cast<float*>(to)[offset] = float(value);
    else
      static_cast<std::uint16_t*>(to)[offset] = to_bf16(float(value));
  });
}

}  // namespace rlnas::simulator
