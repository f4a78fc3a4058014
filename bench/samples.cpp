#include "bench/samples.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace rlnas::bench {
namespace {

constexpr std::size_t kSteadySamples = 64;  // over which the noise's estimate is looked at
constexpr double kSteadyNoise = 0.05;

// Standard deviation over mean.
double spread(std::size_t count, double sum, double sum_of_squares) {
  const double mean = sum / double(count);
  return std::sqrt(std::max(0.0, sum_of_squares / double(count) - mean * mean)) / mean;
}

// Of sorted values, the nearest rank.
double quantile(const std::vector<double>& sorted, double share) {
  return sorted[std::size_t(std::lround(share * double(sorted.size() - 1)))];
}

}  // namespace

void Samples::add(double time_s) {
  times_s_.push_back(time_s);
  sum_s_ += time_s;
  sum_of_squares_ += time_s * time_s;
  noises_.push_back(spread(times_s_.size(), sum_s_, sum_of_squares_));
}

bool Samples::steady() const {
  if (noises_.size() < kSteadySamples) return false;
  double sum = 0.0, sum_of_squares = 0.0;
  for (std::size_t i = noises_.size() - kSteadySamples; i < noises_.size(); ++i) {
    sum += noises_[i];
    sum_of_squares += noises_[i] * noises_[i];
  }
  return spread(kSteadySamples, sum, sum_of_squares) < kSteadyNoise;
}

bool Samples::enough(const StopRule& rule, double spent_s) const {
  if (int(times_s_.size()) < rule.least_samples) return false;
  return noises_.back() <= rule.enough_noise || steady() || spent_s >= rule.most_s;
}

Summary Samples::summary() const {
  std::vector<double> sorted = times_s_;
  std::sort(sorted.begin(), sorted.end());
  return {.samples = int(sorted.size()),
          .median_s = quantile(sorted, 0.5),
          .p5_s = quantile(sorted, 0.05),
          .p95_s = quantile(sorted, 0.95),
          .fastest_s = sorted.front(),
          .noise = noises_.back()};
}

}  // namespace rlnas::bench
