#include "search/activation_codes.h"

#include <bit>
#include <map>

namespace rlnas {
namespace {

constexpr std::size_t kBits = 64;

// 1 where a value is above zero; what is behind the last one is 0.
std::uint64_t packed(const float* values, std::size_t count) {
  std::uint64_t word = 0;
  for (std::size_t b = 0; b < count; ++b) word |= std::uint64_t(values[b] > 0.0f) << b;
  return word;
}

}  // namespace

Activations activations_of(const Graph& graph) {
  Activations found;
  std::map<int, std::size_t> place;  // of the value that is activated
  for (int n = 0; n < graph.size(); ++n) {
    if (graph[n].kind != NodeKind::activation) continue;
    const auto [at, is_new] = place.try_emplace(graph[n].inputs.front(), found.nodes.size());
    if (is_new) {
      found.nodes.push_back(n);
      found.copies.push_back(0);
    }
    ++found.copies[at->second];
  }
  return found;
}

void add_agreements(std::span<const float> values, int images, int copies, std::span<double> agreements) {
  const std::size_t n = std::size_t(images), count = values.size() / n, words = (count + kBits - 1) / kBits;
  std::vector<std::uint64_t> codes(n * words);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t w = 0; w < words; ++w)
      codes[i * words + w] =
          packed(values.data() + i * count + w * kBits, std::min(kBits, count - w * kBits));
  for (std::size_t i = 0; i < n; ++i) {
    agreements[i * n + i] += double(copies) * double(count);
    for (std::size_t j = 0; j < i; ++j) {
      std::size_t different = 0;
      for (std::size_t w = 0; w < words; ++w)
        different += std::size_t(std::popcount(codes[i * words + w] ^ codes[j * words + w]));
      const double same = double(copies) * double(count - different);
      agreements[i * n + j] += same;
      agreements[j * n + i] += same;
    }
  }
}

void mark_patterns(std::span<const float> values, int images, std::span<std::uint8_t> seen) {
  const std::size_t count = values.size() / std::size_t(images);
  std::vector<std::uint16_t> patterns(count, 0);
  for (int i = 0; i < images; ++i) {
    const float* const image = values.data() + std::size_t(i) * count;
    for (std::size_t v = 0; v < count; ++v)
      patterns[v] = std::uint16_t(patterns[v] | (unsigned(image[v] > 0.0f) << i));
  }
  for (const std::uint16_t pattern : patterns) seen[pattern] = 1;
}

}  // namespace rlnas
