#include "engine/parameters.h"

#include <algorithm>

namespace rlnas {

FlatBuffer::FlatBuffer(Backend& backend, SegmentTable table)
    : backend_(backend),
      table_(std::move(table)),
      data_(backend, std::max<std::size_t>(std::size_t(table_.buffer_count()), 1) * sizeof(float)) {
  backend_.fill(std::size_t(table_.buffer_count()), 0.0f, data());
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
      blocks_(table.blocks()),
      device_blocks_(backend, blocks_.data(), blocks_.size() * sizeof(SegmentBlock)),
      device_states_(backend, states_.size() * sizeof(SegmentState)) {}

float* Parameters::gradient_of(int segment) {
  states_[std::size_t(segment)] = SegmentState::sampled;
  ever_sampled_[std::size_t(segment)] = 1;
  return gradient_.at(segment);
}

void Parameters::sgd_step(const SgdSpec& spec, Unsampled unsampled) {
  if (unsampled == Unsampled::coast)
    for (std::size_t s = 0; s < states_.size(); ++s)
      if (states_[s] == SegmentState::untouched && ever_sampled_[s] != 0) states_[s] = SegmentState::coasting;
  backend_.upload(device_states_.as<void>(), states_.data(), states_.size() * sizeof(SegmentState));
  backend_.sgd_step(spec, device_blocks(), block_count(), device_states_.as<SegmentState>(), gradient_.data(),
                    momentum_.data(), weights_.data());
  std::fill(states_.begin(), states_.end(), SegmentState::untouched);
}

std::size_t Parameters::device_bytes() const {
  return 3 * std::size_t(table().buffer_count()) * sizeof(float) + blocks_.size() * sizeof(SegmentBlock) +
         states_.size() * sizeof(SegmentState);
}

}  // namespace rlnas
