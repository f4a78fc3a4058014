#include "search/mixture_mover.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/philox.h"
#include "kernels/check.h"

namespace rlnas {

std::vector<float> mixture_weights(const MixtureSpec& spec, const std::vector<float>& logits) {
  std::vector<float> weights(logits.size(), 0.0f);
  for (const MixtureSpec::Softmax& group : spec.groups) {
    const auto first = logits.begin() + group.first;
    const double largest = double(*std::max_element(first, first + group.count));
    double total = 0.0;
    for (int i = 0; i < group.count; ++i) total += std::exp(double(first[i]) - largest);
    for (int i = 0; i < group.count; ++i)
      weights[std::size_t(group.first + i)] = float(std::exp(double(first[i]) - largest) / total);
  }
  return weights;
}

std::vector<double> logit_gradients(const MixtureSpec& spec, const std::vector<float>& weights,
                                    const std::vector<double>& weight_gradients) {
  std::vector<double> gradients(weights.size(), 0.0);
  for (const MixtureSpec::Softmax& group : spec.groups) {
    const std::size_t first = std::size_t(group.first), end = first + std::size_t(group.count);
    double mean = 0.0;
    for (std::size_t i = first; i < end; ++i) mean += double(weights[i]) * weight_gradients[i];
    for (std::size_t i = first; i < end; ++i)
      gradients[i] = double(weights[i]) * (weight_gradients[i] - mean);
  }
  return gradients;
}

MixtureMover::MixtureMover(const TrainedNetwork& network, Backend& backend, Executor& executor,
                           const AdamSpec& adam)
    : network_(network),
      spec_(*network.mixture()),
      adam_(adam),
      mixture_(backend, network.largest_graph(), int(spec_.logits.buffer_count())) {
  executor.set_mixture(&mixture_);
}

void MixtureMover::start(std::uint64_t seed) {
  constexpr double kDeviation = 1e-3;
  const std::size_t count = std::size_t(spec_.logits.buffer_count());
  State state{.logits = std::vector<float>(count, 0.0f), .adam = AdamState(count)};
  for (const Segment& segment : spec_.logits) {
    RandomStream random(seed, "init:" + segment.name);
    for (std::int64_t i = 0; i < segment.count; ++i)
      state.logits[std::size_t(segment.offset + i)] = float(kDeviation * random.normal());
  }
  set_state(std::move(state));
}

void MixtureMover::set_state(State state) {
  state_ = std::move(state);
  weights_ = mixture_weights(spec_, state_.logits);
  mixture_.set(weights_);
}

void MixtureMover::move(const std::vector<double>& gradients) {
  RLNAS_CHECK(std::ranges::all_of(gradients, [](double g) { return std::isfinite(g); }), run_failed,
              "the gradient of the candidates' weights is not finite; try a lower --learning-rate");
  State next = std::move(state_);
  adam_step(adam_, logit_gradients(spec_, weights_, gradients), next.adam, next.logits);
  set_state(std::move(next));
}

double MixtureMover::alpha_entropy() const {
  double entropy = 0.0;
  int edges = 0;
  for (const MixtureSpec::Softmax& group : spec_.groups) {
    if (group.first >= spec_.alphas) continue;
    ++edges;
    for (int i = group.first; i < group.first + group.count; ++i) {
      const double weight = double(weights_[std::size_t(i)]);
      if (weight > 0.0) entropy -= weight * std::log(weight);
    }
  }
  return entropy / edges;
}

std::string MixtureMover::genotype() const {
  return network_.space().text(network_.space().favoured(network_.options(), weights_));
}

}  // namespace rlnas
