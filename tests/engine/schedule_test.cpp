// Golden values: method.md 15.7 and 10.
#include <doctest/doctest.h>

#include "engine/schedule.h"
#include "kernels/words.h"

namespace rlnas {
namespace {

double at_epoch(const ScheduleSpec& spec, int epoch) {
  const std::int64_t first = std::int64_t{epoch} * spec.steps_per_epoch;
  CHECK(learning_rate(spec, first) == learning_rate(spec, first + spec.steps_per_epoch - 1));
  return learning_rate(spec, first);
}

}  // namespace

TEST_CASE("cosine has the published values of NAS-Bench-201, and a step ahead those of DARTS") {
  ScheduleSpec spec{Schedule::cosine, 0.025, 0.001, 250, 391, 390};
  CHECK(at_epoch(spec, 0) == doctest::Approx(0.025));
  CHECK(at_epoch(spec, 125) == doctest::Approx(0.013));
  CHECK(at_epoch(spec, 249) == doctest::Approx(0.0010009).epsilon(1e-4));
  spec.kind = Schedule::cosine_ahead;
  CHECK(at_epoch(spec, 0) == doctest::Approx(0.02499905).epsilon(1e-8));
  CHECK(at_epoch(spec, 124) == doctest::Approx(0.013));
  CHECK(at_epoch(spec, 249) == doctest::Approx(0.001));
}

TEST_CASE("linear falls to the minimum over the full batches and stays there") {
  const ScheduleSpec darts{Schedule::linear, 0.1, 5e-4, 50, 2503, 2502};
  CHECK(learning_rate(darts, 0) == doctest::Approx(0.1));
  CHECK(learning_rate(darts, 62550) == doctest::Approx(0.05025));
  CHECK(learning_rate(darts, 125100) == doctest::Approx(0.0005));
  CHECK(learning_rate(darts, 125149) == 0.0005);
  const double published_span = 125728.643;  // lr = 0.1 * (1 - step / span)
  CHECK(learning_rate(darts, 1000) == doctest::Approx(0.1 * (1.0 - 1000 / published_span)).epsilon(1e-9));
  const ScheduleSpec mobilenet{Schedule::linear_ahead, 0.25, 5e-4, 120, 2503, 2502};
  CHECK(learning_rate(mobilenet, 300239) == doctest::Approx(0.0005));
  CHECK(learning_rate(mobilenet, 0) == doctest::Approx(0.25 * (1.0 - 1 / 300841.68)).epsilon(1e-9));
}

TEST_CASE("retraining of DARTS warms up over five epochs and ends in a slower tail") {
  const ScheduleSpec spec{Schedule::darts_retrain, 0.5, 0.0, 250, 1251, 1251};
  CHECK(at_epoch(spec, 0) == doctest::Approx(0.1));
  CHECK(at_epoch(spec, 4) == doctest::Approx(0.5 * 241 / 245));
  CHECK(at_epoch(spec, 100) == doctest::Approx(0.5 * 145 / 245));
  CHECK(at_epoch(spec, 245) == doctest::Approx(0.5 * 5 / (245 * 5)));
  CHECK(at_epoch(spec, 249) == doctest::Approx(0.5 * 1 / (245 * 5)));
}

TEST_CASE("a schedule that does not exist is a usage error that names the known ones") {
  CHECK(parse_word<Schedule>("--schedule", "linear-ahead") == Schedule::linear_ahead);
  try {
    parse_word<Schedule>("--schedule", "step");
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::usage);
    CHECK(std::string(error.what()).find("darts-retrain") != std::string::npos);
  }
}

}  // namespace rlnas
