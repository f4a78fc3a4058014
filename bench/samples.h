// How long something takes, of repeated samples, and when there are enough of them: NVBench's rule. Noise is
// the standard deviation over the mean. Sampling stops when it is low, when more samples would not lower it
// (its estimate has become steady), or when time is up.
// Source: NVBench's stdrel stopping criterion.
#pragma once

#include <vector>

namespace rlnas::bench {

struct StopRule {
  int least_samples = 10;
  double enough_noise = 0.005;
  double most_s = 2.0;
};

struct Summary {
  int samples = 0;
  double median_s = 0.0, p5_s = 0.0, p95_s = 0.0, fastest_s = 0.0, noise = 0.0;
};

class Samples {
 public:
  void add(double time_s);
  // `spent_s`: since the first sample, pauses included.
  bool enough(const StopRule& rule, double spent_s) const;
  Summary summary() const;

 private:
  bool steady() const;

  std::vector<double> times_s_, noises_;
  double sum_s_ = 0.0, sum_of_squares_ = 0.0;
};

}  // namespace rlnas::bench
