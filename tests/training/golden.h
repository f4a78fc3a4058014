// What tests share that compare training with the PyTorch scripts of tests/golden: the hash that makes their
// weights and images, and the fingerprint by which tensors are compared.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/crc32.h"
#include "engine/segment_table.h"
#include "tests/support/golden_dir.h"

namespace rlnas::golden {

using Json = nlohmann::json;

inline Json read(const std::string& file) {
  return Json::parse(std::ifstream(test::golden_file(file)));
}

// Uniform over [0, 1).
inline double hashed(std::uint64_t i, std::uint64_t salt) {
  return double((i * 2654435761u + salt * 40503u) % (std::uint64_t{1} << 32)) / 4294967296.0;
}
// The same, mixed as MurmurHash3 ends.
inline double mixed(std::uint64_t i, std::uint64_t salt) {
  std::uint32_t x = std::uint32_t(i * 2654435761u + salt * 40503u);
  x = (x ^ (x >> 16)) * 0x85ebca6bu;
  x = (x ^ (x >> 13)) * 0xc2b2ae35u;
  return double(x ^ (x >> 16)) / 4294967296.0;
}

// As the scripts' initialise(): weights over +-1/sqrt(fan_in), gammas around 1, biases around 0.
inline std::vector<float> hashed_weights(const SegmentTable& table) {
  std::vector<float> weights(std::size_t(table.buffer_count()), 0.0f);
  for (const Segment& s : table) {
    const std::uint32_t salt = crc32_of(s.name);
    const double fan_in = double(s.count / s.shape[0]);
    for (std::int64_t i = 0; i < s.count; ++i) {
      const double u = 2.0 * hashed(std::uint64_t(i), salt) - 1.0;
      weights[std::size_t(s.offset + i)] = float(
          s.shape.size() == 1 ? (s.name.ends_with("weight") ? 1.0 : 0.0) + 0.1 * u : u / std::sqrt(fan_in));
    }
  }
  return weights;
}

// Sum, norm and `picks` spread-out elements.
inline std::vector<double> fingerprint(const float* values, std::int64_t count, std::int64_t picks) {
  double sum = 0.0, square = 0.0;
  for (std::int64_t i = 0; i < count; ++i) {
    sum += values[i];
    square += double(values[i]) * values[i];
  }
  std::vector<double> print{sum, std::sqrt(square)};
  for (std::int64_t k = 0; k < picks; ++k) print.push_back(values[k * (count - 1) / (picks - 1)]);
  return print;
}

inline void check_close(const std::string& name, const float* values, std::int64_t count, const Json& golden,
                        double tolerance) {
  const std::vector<double> mine = fingerprint(values, count, std::int64_t(golden.size()) - 2);
  const double norm = golden[1], scale = norm / std::sqrt(double(count));  // root mean square of the tensor
  for (std::size_t k = 0; k < mine.size(); ++k) {
    const double size = k < 2 ? norm : scale;
    INFO(name, " fingerprint ", k);
    CHECK(std::abs(mine[k] - golden[k].get<double>()) <= tolerance * size + 1e-9);
  }
}

}  // namespace rlnas::golden
