#include "tests/emulation/block_run.h"

#include <bit>
#include <map>
#include <numeric>
#include <sstream>
#include <string_view>

#include "tests/emulation/thread_index.h"

namespace rlnas::emulation {
namespace {

std::string text(const Extent& at) {
  std::ostringstream out;
  out << '(' << at.x << ',' << at.y << ',' << at.z << ')';
  return out.str();
}

std::string text(const Site& site) {
  const std::string path = site.file_name();
  return path.substr(path.rfind('/') + 1) + ":" + std::to_string(site.line());
}

bool same(const Site& a, const Site& b) {
  return a.line() == b.line() && a.column() == b.column() && std::string_view(a.file_name()) == b.file_name();
}

uint3 as_index(const Extent& extent) {
  return {extent.x, extent.y, extent.z};
}

Extent index_of(int thread, const Extent& block) {
  const unsigned i = unsigned(thread);
  return {i % block.x, i / block.x % block.y, i / (block.x * block.y)};
}

unsigned lane_bit(int lane) {
  return 1u << lane;
}

}  // namespace

BlockRun& block_run() {
  static BlockRun run;
  return run;
}

void BlockRun::run(const LaunchInfo& launch, Extent block_index, Random& random) {
  launch_ = &launch;
  block_index_ = block_index;
  threads_ = alive_ = int(launch.shape.block.count());
  at_barrier_ = 0;
  block_epoch_ = 1;
  warps_.assign(std::size_t(ceil_div(threads_, kWarpSize)), {});
  for (int i = 0; i < threads_; ++i) warp_of(i).present |= lane_bit(i % kWarpSize);
  shared_.clear();
  shared_bytes_ = 0;
  failure_ = nullptr;
  blockIdx = as_index(block_index);
  blockDim = as_index(launch.shape.block);
  gridDim = as_index(launch.shape.grid);
  try {
    if (launch.shape.cooperation == Cooperation::independent) {
      run_independent(random);
    } else {
      ready_.emplace(options().schedule, threads_, random);
      run_fibers();
    }
  } catch (...) {
    launch_ = nullptr;
    current_ = -1;
    fibers_.abandon();
    throw;
  }
  launch_ = nullptr;
  current_ = -1;
}

void BlockRun::run_independent(Random& random) {
  order_.resize(std::size_t(threads_));
  std::iota(order_.begin(), order_.end(), 0);
  switch (options().schedule) {
    case Schedule::forward:
      break;
    case Schedule::reverse:
      std::reverse(order_.begin(), order_.end());
      break;
    case Schedule::random:
    case Schedule::random_priority:
      std::shuffle(order_.begin(), order_.end(), random);
  }
  for (const int thread : order_) {
    become(thread);
    (*launch_->thread_body)();
  }
}

void BlockRun::run_fibers() {
  states_.assign(std::size_t(threads_), {});
  fibers_.prepare(threads_, &BlockRun::run_thread);
  for (int thread = 0; thread < threads_; ++thread) ready_->push(thread);
  while (alive_ > 0) {
    if (ready_->empty()) {
      // Threads left while the others waited.
      if (at_barrier_ == alive_) {
        release_barrier();
        continue;
      }
      throw Fault(describe_deadlock());
    }
    const int thread = ready_->pop();
    become(thread);
    fibers_.resume(thread);
    if (failure_) std::rethrow_exception(failure_);
  }
}

void BlockRun::run_thread(int thread) {
  BlockRun& block = block_run();
  try {
    (*block.launch_->thread_body)();
  } catch (...) {
    block.failure_ = std::current_exception();
  }
  block.states_[std::size_t(thread)].state = State::done;
  block.warp_of(thread).exited |= lane_bit(thread % kWarpSize);
  --block.alive_;
}

void BlockRun::become(int thread) {
  current_ = thread;
  threadIdx = as_index(index_of(thread, launch_->shape.block));
}

void BlockRun::wait(State state, const Site& site) {
  Thread& thread = states_[std::size_t(current_)];
  thread.state = state;
  thread.site = site;
}

void BlockRun::make_ready(int thread) {
  states_[std::size_t(thread)].state = State::ready;
  ready_->push(thread);
}

void BlockRun::barrier(const Site& site) {
  require_cooperation(site, "__syncthreads");
  wait(State::at_barrier, site);
  if (++at_barrier_ == alive_) release_barrier();
  fibers_.back();
}

void BlockRun::release_barrier() {
  int first = -1, exited = 0;
  for (int i = 0; i < threads_; ++i) {
    const Thread& thread = states_[std::size_t(i)];
    if (thread.state == State::done) {
      ++exited;
    } else if (first < 0) {
      first = i;
    } else if (const Site& at = states_[std::size_t(first)].site; !same(at, thread.site)) {
      throw Fault("barrier divergence: " + name_of(first) + " waits at " + text(at) + ", " + name_of(i) +
                  " at " + text(thread.site) + ", " + place());
    }
  }
  if (exited > 0)
    throw Fault("early exit: " + std::to_string(exited) + " of " + std::to_string(threads_) +
                " threads left before the __syncthreads at " + text(states_[std::size_t(first)].site) +
                " where " + name_of(first) + " waits, " + place());
  ++block_epoch_;
  at_barrier_ = 0;
  for (int i = 0; i < threads_; ++i) make_ready(i);
}

void BlockRun::check_mask(const WarpRequest& request) const {
  const Warp& warp = warp_of(current_);
  if ((request.mask & lane_bit(current_ % kWarpSize)) == 0)
    fault(request.site, "wrong warp mask: the calling lane is not in it");
  if ((request.mask & ~warp.present) != 0)
    fault(request.site, "wrong warp mask: it names lane " +
                            std::to_string(std::countr_zero(request.mask & ~warp.present)) +
                            ", which the warp does not have");
  if ((request.mask & warp.exited) != 0)
    fault(request.site, "wrong warp mask: it names lane " +
                            std::to_string(std::countr_zero(request.mask & warp.exited)) +
                            ", which has exited");
}

void BlockRun::warp_operation(WarpRequest& request) {
  require_cooperation(request.site, "warp operation");
  // A whole-warp mask in a ragged last warp means the lanes that there are.
  if (request.mask == ~0u) request.mask = warp_of(current_).present;
  check_mask(request);
  wait(State::in_warp_operation, request.site);
  states_[std::size_t(current_)].request = &request;
  warp_of(current_).waiting |= lane_bit(current_ % kWarpSize);
  try_complete_warp_operation(request);
  fibers_.back();
}

void BlockRun::try_complete_warp_operation(const WarpRequest& request) {
  Warp& warp = warp_of(current_);
  const unsigned mask = request.mask;
  if ((warp.waiting & mask) != mask) return;
  const int warp_begin = current_ / kWarpSize * kWarpSize;
  for (int lane = 0; lane < kWarpSize; ++lane) {
    if ((mask & lane_bit(lane)) == 0) continue;
    const Thread& thread = states_[std::size_t(warp_begin + lane)];
    if (thread.request->mask != mask) return;
    if (thread.request->operation != request.operation || !same(thread.site, request.site))
      throw Fault("warp divergence: lanes of one mask are at different warp operations, " +
                  name_of(warp_begin + lane) + " at " + text(thread.site) + ", " + name_of(current_) +
                  " at " + text(request.site) + ", " + place());
  }
  exchange(warp_begin, mask);
  if (request.operation == WarpOperation::sync && mask == warp.present) ++warp.epoch;
  warp.waiting &= ~mask;
  for (int lane = 0; lane < kWarpSize; ++lane) {
    if ((mask & lane_bit(lane)) == 0) continue;
    states_[std::size_t(warp_begin + lane)].request = nullptr;
    make_ready(warp_begin + lane);
  }
}

// Fills in the result of every lane of the mask.
void BlockRun::exchange(int warp_begin, unsigned mask) {
  const auto request_of = [&](int lane) { return states_[std::size_t(warp_begin + lane)].request; };
  unsigned votes = 0;
  for (int lane = 0; lane < kWarpSize; ++lane)
    if ((mask & lane_bit(lane)) != 0 && request_of(lane)->value != 0) votes |= lane_bit(lane);
  for (int lane = 0; lane < kWarpSize; ++lane) {
    if ((mask & lane_bit(lane)) == 0) continue;
    WarpRequest& request = *request_of(lane);
    int source = lane;
    switch (request.operation) {
      case WarpOperation::sync:
        continue;
      case WarpOperation::ballot:
        request.result = votes;
        continue;
      case WarpOperation::shuffle:
        source = request.argument % kWarpSize;
        break;
      case WarpOperation::shuffle_down:
        if (lane + request.argument < kWarpSize) source = lane + request.argument;
        break;
      case WarpOperation::shuffle_xor:
        source = lane ^ request.argument;
        break;
    }
    if (source < 0 || source >= kWarpSize || (mask & lane_bit(source)) == 0)
      throw Fault("wrong warp mask: the shuffle reads lane " + std::to_string(source) +
                  ", which is not in it; " + name_of(warp_begin + lane) + " at " + text(request.site) + ", " +
                  place());
    request.result = request_of(source)->value;
  }
}

SharedArray& BlockRun::shared_array(const void* key, const char* name, std::size_t count,
                                    std::size_t element_bytes, const Site& site) {
  require_cooperation(site, "shared memory");
  for (SharedArray& array : shared_)
    if (array.key == key) return array;
  constexpr std::size_t kMaxBytes = 48 << 10;  // what a block has without asking for more
  shared_bytes_ += count * element_bytes;
  if (shared_bytes_ > kMaxBytes)
    fault(site, "a block takes " + std::to_string(shared_bytes_) + " bytes of shared memory");
  return shared_.emplace_back(SharedArray{key, name, count,
                                          std::make_unique<std::byte[]>(count * element_bytes),
                                          std::vector<ElementHistory>(count)});
}

bool BlockRun::ordered(const ElementHistory::Access& earlier) const {
  if (earlier.thread < 0 || earlier.thread == current_) return true;
  return earlier.thread / kWarpSize == current_ / kWarpSize && earlier.warp_epoch < warp_of(current_).epoch;
}

void BlockRun::check_access(SharedArray& array, std::size_t at, Access access, const Site& site) const {
  ElementHistory& past = array.history[at];
  const auto race = [&](const char* kind, int earlier) {
    fault(site, std::string(kind) + " race on shared " + array.name + "[" + std::to_string(at) +
                    "]: no barrier since " + name_of(earlier));
  };
  if (past.block_epoch != block_epoch_) {
    const bool written_ever = past.written_ever;
    past = ElementHistory();
    past.block_epoch = block_epoch_;
    past.written_ever = written_ever;
  }
  const ElementHistory::Access now{current_, warp_of(current_).epoch};
  if (access == Access::read) {
    if (!past.written_ever)
      fault(site, "uninitialised shared memory: " + array.name + "[" + std::to_string(at) + "] is read");
    if (!ordered(past.writer)) race("read-after-write", past.writer.thread);
    if (past.last_reader.thread >= 0 && past.last_reader.thread != current_) {
      past.read_by_several_warps |= past.last_reader.thread / kWarpSize != current_ / kWarpSize;
      past.other_reader = past.last_reader;
    }
    past.last_reader = now;
    return;
  }
  if (!ordered(past.writer)) race("write-after-write", past.writer.thread);
  // Warp epochs only grow, so within one warp the latest access of another thread decides.
  const bool own = past.last_reader.thread == current_;
  const ElementHistory::Access& reader =
      own && past.other_reader.thread >= 0 ? past.other_reader : past.last_reader;
  if (past.read_by_several_warps || !ordered(reader)) race("write-after-read", reader.thread);
  past.writer = now;
  past.written_ever = true;
}

std::string BlockRun::name_of(int thread) const {
  return "thread " + text(index_of(thread, launch_->shape.block));
}

std::string BlockRun::place() const {
  return std::string("kernel ") + launch_->kernel + ", block " + text(block_index_);
}

std::string BlockRun::where() const {
  if (launch_ == nullptr || current_ < 0) return "";
  return place() + ", " + name_of(current_);
}

void BlockRun::fault(const Site& site, const std::string& what) const {
  throw Fault(what + "; " + where() + ", at " + text(site));
}

void BlockRun::require_cooperation(const Site& site, const char* what) const {
  if (launch_->shape.cooperation != Cooperation::block)
    fault(site, std::string(what) + " in a kernel launched with independent threads");
}

std::string BlockRun::describe_deadlock() const {
  std::map<std::string, int> waiting;
  int exited = 0;
  for (const Thread& thread : states_) {
    if (thread.state == State::done)
      ++exited;
    else
      ++waiting[(thread.state == State::at_barrier ? "the __syncthreads at " : "the warp operation at ") +
                text(thread.site)];
  }
  std::ostringstream out;
  out << "deadlock: " << place() << ": ";
  for (const auto& [place, count] : waiting) out << count << " threads wait in " << place << ", ";
  out << exited << " have exited";
  return out.str();
}

}  // namespace rlnas::emulation
