// The threads of a block that could go on, handed out in the order that the schedule wants.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "tests/emulation/emulator.h"

namespace rlnas::emulation {

inline constexpr int kWarpSize = 32;

class Random {  // splitmix64
 public:
  using result_type = std::uint64_t;
  explicit Random(std::uint64_t seed) : state_(seed) {}
  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return ~result_type{0}; }
  result_type operator()() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  std::size_t below(std::size_t n) { return std::size_t((*this)() >> 32) * n >> 32; }

 private:
  std::uint64_t state_;
};

class ReadyQueue {
 public:
  ReadyQueue(Schedule schedule, int threads, Random& random) : schedule_(schedule), random_(random) {
    if (schedule != Schedule::random_priority) return;
    const int warps = ceil_div(threads, kWarpSize);
    warps_.resize(std::size_t(warps));
    for (int warp = 0; warp < warps; ++warp) priorities_.push_back(warp);
    std::shuffle(priorities_.begin(), priorities_.end(), random_);
  }

  bool empty() const { return size_ == 0; }

  void push(int thread) {
    ++size_;
    (warps_.empty() ? threads_ : warps_[std::size_t(thread / kWarpSize)]).push_back(thread);
  }

  int pop() {
    --size_;
    switch (schedule_) {
      case Schedule::forward:
        return pop_oldest();
      case Schedule::reverse:
        return take(threads_, threads_.size() - 1);
      case Schedule::random:
        return take(threads_, random_.below(threads_.size()));
      case Schedule::random_priority:
        break;
    }
    constexpr int kTurnsBetweenRedraws = 256;
    if (random_.below(kTurnsBetweenRedraws) == 0)
      std::shuffle(priorities_.begin(), priorities_.end(), random_);
    for (const int warp : priorities_)
      if (std::vector<int>& ready = warps_[std::size_t(warp)]; !ready.empty())
        return take(ready, random_.below(ready.size()));
    return -1;
  }

 private:
  static int take(std::vector<int>& from, std::size_t at) {
    std::swap(from[at], from.back());
    const int thread = from.back();
    from.pop_back();
    return thread;
  }
  int pop_oldest() {
    const int thread = threads_[head_++];
    if (head_ == threads_.size()) {
      threads_.clear();
      head_ = 0;
    }
    return thread;
  }

  Schedule schedule_;
  Random& random_;
  std::size_t size_ = 0, head_ = 0;
  std::vector<int> threads_;             // of all warps, except under random_priority
  std::vector<std::vector<int>> warps_;  // under random_priority
  std::vector<int> priorities_;          // warps, highest first
};

}  // namespace rlnas::emulation
