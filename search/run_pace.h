// How fast a run goes: images a second, and how long it waits for them. Start-up is left out.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace rlnas {

class RunPace {
 public:
  using Clock = std::chrono::steady_clock;
  static double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }

  void start() { start_ = window_start_ = Clock::now(); }
  double seconds() const { return seconds_since(start_); }

  void add_images(int count) {
    run_images_ += count;
    window_images_ += count;
  }
  void add_data_wait(double seconds) { data_wait_s_ += seconds; }
  // A window ends, whose pace images_per_s() is from now on.
  void end_window() {
    window_images_per_s_ = rate(window_images_, window_start_);
    window_images_ = 0;
    window_start_ = Clock::now();
  }

  double run_images_per_s() const { return rate(run_images_, start_); }
  // Of the last window, once there is one.
  double images_per_s() const {
    return window_images_per_s_ > 0.0 ? window_images_per_s_ : run_images_per_s();
  }
  double data_wait_share() const { return data_wait_s_ / std::max(kShortest_s, seconds()); }

 private:
  static constexpr double kShortest_s = 1e-9;
  static double rate(std::int64_t images, Clock::time_point start) {
    return double(images) / std::max(kShortest_s, seconds_since(start));
  }

  Clock::time_point start_, window_start_;
  std::int64_t run_images_ = 0, window_images_ = 0;
  double window_images_per_s_ = 0.0, data_wait_s_ = 0.0;
};

}  // namespace rlnas
