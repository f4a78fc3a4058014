#include "ops/mixture.h"

#include <algorithm>

#include "kernels/check.h"
#include "kernels/round_up.h"
#include "ops/graph.h"

namespace rlnas {
namespace {

constexpr std::size_t kAlignment = 16;  // floats

std::size_t widest(const std::vector<MixtureUse>& uses) {
  int channels = 1;
  for (const MixtureUse& use : uses) channels = std::max(channels, use.channels);
  return round_up(std::size_t(channels), kAlignment);
}

std::vector<std::size_t> offsets_of(const std::vector<MixtureUse>& uses) {
  std::vector<std::size_t> offsets{0};
  for (const MixtureUse& use : uses)
    offsets.push_back(offsets.back() + round_up(std::size_t(use.channels), kAlignment));
  return offsets;
}

}  // namespace

std::vector<MixtureUse> mixture_uses(const Graph& graph) {
  std::vector<MixtureUse> uses;
  for (int n = 0; n < graph.size(); ++n) {
    if (graph[n].kind != NodeKind::weighted_sum) continue;
    for (int term = 0; term < int(graph[n].inputs.size()); ++term)
      uses.push_back({n, graph[n].first_weight + term, graph[n].shape.channels});
  }
  return uses;
}

Mixture::Mixture(Backend& backend, const Graph& graph, int weights)
    : backend_(backend),
      uses_(mixture_uses(graph)),
      offsets_(offsets_of(uses_)),
      weights_(weights),
      row_(widest(uses_)),
      factors_(backend, std::size_t(weights + 1) * row_ * sizeof(float)),
      gradients_(backend, offsets_.back() * sizeof(float)) {
  for (const MixtureUse& use : uses_)
    RLNAS_CHECK(use.weight >= 0 && use.weight < weights, run_failed, "a sum weighted by number ", use.weight,
                " of ", weights);
  set(std::vector<float>(std::size_t(weights), 0.0f));
  backend_.run(Fill{.count = offsets_.back(), .value = 0.0f, .y = gradients_.as<float>()});
}

void Mixture::set(const std::vector<float>& values) {
  RLNAS_CHECK(values.size() == std::size_t(weights_), run_failed, "a mixture of ", weights_,
              " weights given ", values.size());
  std::vector<float> rows(std::size_t(weights_ + 1) * row_, 0.0f);
  for (std::size_t w = 0; w < values.size(); ++w)
    std::fill_n(rows.begin() + std::ptrdiff_t(w * row_), row_, values[w]);
  backend_.upload(factors_.as<float>(), rows.data(), rows.size() * sizeof(float));
}

std::vector<double> Mixture::gradients() const {
  std::vector<float> parts(offsets_.back());
  backend_.download(parts.data(), gradients_.as<float>(), parts.size() * sizeof(float));
  std::vector<double> sums(std::size_t(weights_), 0.0);
  for (std::size_t u = 0; u < uses_.size(); ++u)
    for (int c = 0; c < uses_[u].channels; ++c)
      sums[std::size_t(uses_[u].weight)] += double(parts[offsets_[u] + std::size_t(c)]);
  return sums;
}

std::size_t Mixture::device_bytes() const {
  return (std::size_t(weights_ + 1) * row_ + offsets_.back()) * sizeof(float);
}

}  // namespace rlnas
