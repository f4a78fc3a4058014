#include "engine/parameters.h"

#include <algorithm>

namespace rlnas {

FlatBuffer::FlatBuffer(Backend& backend, SegmentTable table) : backend_(backend), table_(std::move(table)) {
  const std::size_t count = std::size_t(table_.buffer_count());
  data_ = static_cast<float*>(backend_.allocate(std::max<std::size_t>(count, 1) * sizeof(float)));
  backend_.fill(count, 0.0f, data_);
}

FlatBuffer::~FlatBuffer() {
  backend_.release(data_);
}

std::vector<float> FlatBuffer::download() const {
  std::vector<float> values(std::size_t(table_.buffer_count()));
  backend_.download(values.data(), data_, values.size() * sizeof(float));
  return values;
}

void FlatBuffer::upload(const std::vector<float>& values) {
  RLNAS_CHECK(values.size() == std::size_t(table_.buffer_count()), run_failed, "flat buffer of ",
              table_.buffer_count(), " floats given ", values.size());
  backend_.upload(data_, values.data(), values.size() * sizeof(float));
}

Parameters::Parameters(Backend& backend, const SegmentTable& table)
    : backend_(backend),
      weights_(backend, table),
      gradient_(backend, table),
      momentum_(backend, table),
      states_(std::size_t(table.size()), SegmentState::untouched),
      ever_sampled_(std::size_t(table.size()), 0) {
  const std::vector<SegmentBlock> blocks = table.blocks();
  block_count_ = int(blocks.size());
  device_blocks_ = static_cast<SegmentBlock*>(backend_.allocate(blocks.size() * sizeof(SegmentBlock)));
  backend_.upload(device_blocks_, blocks.data(), blocks.size() * sizeof(SegmentBlock));
  device_states_ = static_cast<SegmentState*>(backend_.allocate(states_.size() * sizeof(SegmentState)));
}

Parameters::~Parameters() {
  backend_.release(device_states_);
  backend_.release(device_blocks_);
}

float* Parameters::gradient_of(int segment) {
  states_[std::size_t(segment)] = SegmentState::sampled;
  ever_sampled_[std::size_t(segment)] = 1;
  return gradient_.at(segment);
}

void Parameters::sgd_step(const SgdSpec& spec, Unsampled unsampled) {
  if (unsampled == Unsampled::coast)
    for (std::size_t s = 0; s < states_.size(); ++s)
      if (states_[s] == SegmentState::untouched && ever_sampled_[s] != 0) states_[s] = SegmentState::coasting;
  backend_.upload(device_states_, states_.data(), states_.size() * sizeof(SegmentState));
  backend_.sgd_step(spec, device_blocks_, block_count_, device_states_, gradient_.data(), momentum_.data(),
                    weights_.data());
  std::fill(states_.begin(), states_.end(), SegmentState::untouched);
}

std::size_t Parameters::device_bytes() const {
  return 3 * std::size_t(table().buffer_count()) * sizeof(float) +
         std::size_t(block_count_) * sizeof(SegmentBlock) + states_.size() * sizeof(SegmentState);
}

}  // namespace rlnas
