#include "tests/device/agreement.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "engine/philox.h"

namespace rlnas::test {
namespace {

constexpr double kDisturbance = 8.0;  // in roundings of a weight: those of a pass add up to more than one
constexpr double kSlack = 3.0;
constexpr int kDraws = 3;  // of disturbances, of which the worst counts

using State = SteppedTraining::State;

void disturb(std::vector<float>& weights, double by, int step, int draw) {
  RandomStream random(7, "disturbance", std::uint64_t(step * kDraws + draw));
  for (float& weight : weights) weight = float(weight * (1.0 + (random.below(2) == 0 ? -by : by)));
}

// Root of the summed squares of what one changed by and the other did not; infinite where one is not a
// number.
double distance(const std::vector<float>& from_a, const std::vector<float>& a,
                const std::vector<float>& from_b, const std::vector<float>& b) {
  double sum_sq = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = (double(a[i]) - double(from_a[i])) - (double(b[i]) - double(from_b[i]));
    sum_sq += difference * difference;
  }
  return std::isfinite(sum_sq) && a.size() == b.size() ? std::sqrt(sum_sq) : INFINITY;
}

double size_of(const std::vector<float>& values) {
  const std::vector<float> zeros(values.size());
  return distance(zeros, values, zeros, zeros);
}

// The largest that rounding has come to in any step so far.
class Allowance {
 public:
  explicit Allowance(std::string what) : what_(std::move(what)) {}

  void take(double disturbed) { spread_ = std::max(spread_, disturbed); }
  // at_least: what storing the result rounds by.
  std::string complaint(double got, double at_least, int step) const {
    const double allowed = kSlack * spread_ + at_least;
    if (got <= allowed) return "";
    std::ostringstream text;
    text << what_ << " of step " << step + 1 << ": " << got << " from the reference, rounding explains "
         << allowed;
    return text.str();
  }

 private:
  std::string what_;
  double spread_ = 0.0;
};

}  // namespace

double rounding_of(Precision precision) {
  switch (precision) {
    case Precision::fp32:
      break;
    case Precision::tf32:
      return std::ldexp(1.0, -11);
    case Precision::bf16:
      return std::ldexp(1.0, -8);
  }
  return std::ldexp(1.0, -23);
}

std::string disagreement(const Trainee& got, const Trainee& expected, Precision precision) {
  const double rounding = rounding_of(precision), stored = std::ldexp(1.0, -23);
  SteppedTraining tested(got.backend, got.training), reference(expected.backend, expected.training),
      disturbed(expected.backend, expected.training);
  Allowance loss("the loss"), weights("the change of the weights"),
      statistics("the change of the statistics");
  for (int step = 0; step < expected.training.steps; ++step) {
    const State from = reference.state();
    tested.set_state(from);
    const double wanted = reference.step(step), found = tested.step(step);
    const State to = reference.state(), to_tested = tested.state();
    for (int draw = 0; draw < kDraws; ++draw) {
      State from_disturbed = from;
      disturb(from_disturbed.weights, kDisturbance * rounding, step, draw);
      disturbed.set_state(from_disturbed);
      loss.take(std::abs(disturbed.step(step) - wanted));
      const State to_disturbed = disturbed.state();
      weights.take(distance(from_disturbed.weights, to_disturbed.weights, from.weights, to.weights));
      statistics.take(distance(from.statistics, to_disturbed.statistics, from.statistics, to.statistics));
    }
    std::string text = loss.complaint(std::isfinite(found) ? std::abs(found - wanted) : INFINITY,
                                      kDisturbance * rounding * wanted, step);
    if (text.empty())
      text = weights.complaint(distance(from.weights, to_tested.weights, from.weights, to.weights),
                               stored * size_of(from.weights), step);
    if (text.empty())
      text = statistics.complaint(
          distance(from.statistics, to_tested.statistics, from.statistics, to.statistics),
          stored * size_of(from.statistics), step);
    if (!text.empty()) return text;
  }
  return "";
}

}  // namespace rlnas::test
