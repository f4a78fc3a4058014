#include "tests/simulator/work_log.h"

#include "tests/simulator/state.h"

namespace rlnas::simulator {
namespace {

const char* place = "";

}  // namespace

const std::vector<Work>& work_log() {
  return state().work_log;
}

KernelCost cost_of(const SegmentCost& pass) {
  KernelCost cost;
  for (int i = 0; i < pass.count; ++i) {
    const SegmentBlock& block = pass.blocks[i];
    const SegmentState state = pass.states[block.segment];
    if (has_gradient(state))
      cost = cost + pass.sampled * std::uint64_t(block.count);
    else if (state != SegmentState::untouched)
      cost = cost + pass.coasting * std::uint64_t(block.count);
  }
  return cost;
}

void clear_work_log() {
  state().work_log.clear();
}

void write_down(const Work& work) {
  Work& line = state().work_log.emplace_back(work);
  line.cost = line.cost + cost_of(work.segments);
}

void set_work_place(const char* name) {
  place = name;
}

const char* work_place() {
  return place;
}

}  // namespace rlnas::simulator
