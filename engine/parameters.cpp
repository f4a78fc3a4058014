#include "engine/parameters.h"

#include <algorithm>

namespace rlnas {

FlatBuffer::FlatBuffer(Backend& backend, SegmentTable table)
    : backend_(backend),
      table_(std::move(table)),
      data_(backend, std::max<std::size_t>(std::size_t(table_.buffer_count()), 1) * sizeof(float)) {
  backend_.run(Fill{.count = std::size_t(table_.buffer_count()), .value = 0.0f, .y = data()});
}

std::vector<float> FlatBuffer::download() const {
  std::vector<float> values(std::size_t(table_.buffer_count()));
  backend_.download(values.data(), data(), values.size() * sizeof(float));
  return values;
}

void FlatBuffer::upload(const std::vector<float>& values) {
  RLNAS_CHECK(values.size() == std::size_t(table_.buffer_count()), run_failed, "flat buffer of ",
              table_.buffer_count(), " floats given ", values.size());
  backend_.upload(data(), values.data(), values.size() * sizeof(float));
}

Parameters::Parameters(Backend& backend, const SegmentTable& table)
    : backend_(backend),
      weights_(backend, table),
      gradient_(backend, table),
      momentum_(backend, table),
      states_(std::size_t(table.size()), SegmentState::untouched),
      ever_sampled_(std::size_t(table.size()), 0),
      decayed_(std::size_t(table.size()), 1),
      blocks_(table.blocks()),
      device_blocks_(backend, blocks_.data(), blocks_.size() * sizeof(SegmentBlock)),
      device_states_(backend, states_.size() * sizeof(SegmentState)),
      device_norm_(backend, sizeof(GradientNorm)),
      norm_workspace_(backend, norm_workspace_bytes()),
      rounded_weights_(backend, rounded_bytes()) {}

void Parameters::round_weights() {
  backend_.run(RoundWeights{.count = std::size_t(table().buffer_count()),
                            .weights = weights_.data(),
                            .rounded = rounded_weights_.as<Bf16>()});
}

Parameters::Target Parameters::gradient_target(int segment) {
  SegmentState& state = states_[std::size_t(segment)];
  const Store store = state == SegmentState::sampled ? Store::accumulate : Store::overwrite;
  state = SegmentState::sampled;
  ever_sampled_[std::size_t(segment)] = 1;
  return {gradient_of(segment), store};
}

void Parameters::set_decayed(std::vector<std::uint8_t> flags) {
  RLNAS_CHECK(flags.size() == states_.size(), run_failed, "decay flags of ", flags.size(), " segments for ",
              states_.size());
  decayed_ = std::move(flags);
}

void Parameters::sgd_step(SgdSpec spec, Unsampled unsampled, float max_norm) {
  for (std::size_t s = 0; s < states_.size(); ++s) {
    SegmentState& state = states_[s];
    if (unsampled == Unsampled::coast && state == SegmentState::untouched && ever_sampled_[s] != 0)
      state = SegmentState::coasting;
    if (decayed_[s] != 0) continue;
    if (state == SegmentState::sampled) state = SegmentState::sampled_undecayed;
    if (state == SegmentState::coasting) state = SegmentState::coasting_undecayed;
  }
  backend_.upload(device_states_.as<void>(), states_.data(), states_.size() * sizeof(SegmentState));
  if (max_norm < std::numeric_limits<float>::infinity()) {
    spec.clip.norm = device_norm_.as<GradientNorm>();
    backend_.run(TakeGradientNorm{.blocks = device_blocks(),
                                  .block_count = block_count(),
                                  .states = device_states_.as<SegmentState>(),
                                  .gradient = gradient_.data(),
                                  .max_norm = max_norm,
                                  .norm = device_norm_.as<GradientNorm>()},
                 {norm_workspace_.as<void>(), norm_workspace_bytes()});
  }
  backend_.run(SgdStep{.spec = spec,
                       .blocks = device_blocks(),
                       .block_count = block_count(),
                       .states = device_states_.as<SegmentState>(),
                       .gradient = gradient_.data(),
                       .momentum = momentum_.data(),
                       .weights = weights_.data()});
  std::fill(states_.begin(), states_.end(), SegmentState::untouched);
}

std::size_t Parameters::device_bytes() const {
  return 3 * std::size_t(table().buffer_count()) * sizeof(float) + blocks_.size() * sizeof(SegmentBlock) +
         states_.size() * sizeof(SegmentState) + sizeof(GradientNorm) + norm_workspace_bytes() +
         rounded_bytes();
}

}  // namespace rlnas
