// events.jsonl as the report reads it.
#include <doctest/doctest.h>

#include <cmath>

#include "engine/event_log.h"
#include "search/report/training_figures.h"
#include "search/report/training_record.h"
#include "tests/report/report_support.h"
#include "tests/support/errors.h"

using namespace rlnas;
using test::contains;
using test::TemporaryDirectory;

namespace {

std::string events() {
  return R"({"schema":1,"event":"step","step":2,"time_s":0.1,"epoch":0,"loss":2.5,"learning_rate":0.02}
{"schema":1,"event":"epoch","step":4,"time_s":0.2,"epoch":0,"loss":2.4,"accuracy":0.1,"learning_rate":0.02,"images_per_s":9,"angle_mean_rad":0.1,"angle_min_rad":0.05,"angle_max_rad":0.2}
{"schema":1,"event":"something new","step":4}
{"schema":1,"event":"step","step":6,"time_s":0.3,"epoch":1,"loss":null,"learning_rate":0.01}
{"schema":1,"event":"test","step":8,"time_s":0.4,"top1":0.5,"top5":0.9,"loss":1.5,"best_top1":0.5,"best_step":8}
)";
}

}  // namespace

TEST_CASE("events become columns, what a run does not have is not a number") {
  const TrainingRecord record = parse_training_events("events.jsonl", events());
  CHECK(record.steps.step == std::vector<double>{2, 6});
  CHECK(record.steps.loss[0] == 2.5);
  CHECK(std::isnan(record.steps.loss[1]));
  CHECK(record.epochs.epoch == std::vector<double>{1});
  CHECK(record.epochs.angle_max_rad == std::vector<double>{0.2});
  CHECK(record.has_angles());
  CHECK(record.tests.top1 == std::vector<double>{0.5});
  CHECK(record.steps_per_epoch() == 4);
  CHECK(parse_training_events("x", "").empty());
  CHECK(!parse_training_events("x", R"({"event":"epoch","step":4,"epoch":0,"loss":1})").has_angles());
}

TEST_CASE("half a last line is passed over, another line that is no event is named") {
  const std::string whole = events();
  CHECK(parse_training_events("x", whole + R"({"schema":1,"event":"st)").steps.step.size() == 2);
  const auto error = [](const std::string& text) {
    return test::error_of(ErrorCode::data, [&] { parse_training_events("run/events.jsonl", text); });
  };
  CHECK(contains(error("{\"schema\":1\n" + whole), "run/events.jsonl: line 1 is no event"));
  CHECK(contains(error(whole + "[1,2]\n"), "line 6 is no event"));
}

TEST_CASE("what EventLog writes is what a record holds, and its table has it all") {
  const TemporaryDirectory directory;
  {
    EventLog log(directory / "events.jsonl", 0);
    log.write("step", 1, 0.5, {{"epoch", 0}, {"loss", 2.25}, {"learning_rate", 0.025}});
    log.write("epoch", 3, 0.6, {{"epoch", 0}, {"loss", 2.0}, {"accuracy", 0.125}, {"learning_rate", 0.025}});
  }
  TrainingRecord record = read_training_record(directory.path());
  CHECK(record.steps.loss == std::vector<double>{2.25});
  CHECK(record.epochs.accuracy == std::vector<double>{0.125});
  record.label = "a, b";
  const std::string csv = training_csv({record});
  CHECK(contains(csv, "run,event,step,epoch,loss,"));
  CHECK(contains(csv, "\n\"a, b\",step,1,,2.25,,0.025,"));
  CHECK(contains(csv, "\n\"a, b\",epoch,3,1,2,0.125,0.025,"));
  CHECK(read_training_record(directory / "no such run").empty());
}

TEST_CASE("figures of one run and of several, with and without angles, say how many points they are of") {
  TrainingRecord one = parse_training_events("x", events());
  one.label = "one";
  TrainingRecord plain = parse_training_events("x", R"({"event":"step","step":5,"loss":1.0,"learning_rate":1}
)");
  plain.label = "<plain>";
  CHECK(training_figures({}).empty());
  CHECK(training_figures({TrainingRecord{}}).empty());
  CHECK(training_figures({plain}).size() == 2);  // no epoch ended
  for (const std::vector<TrainingRecord>& runs : {std::vector{one}, {one, plain}}) {
    const std::vector<Figure> figures = training_figures(runs);
    REQUIRE(figures.size() == 4);
    for (const Figure& figure : figures) {
      CHECK(test::unbalanced(figure.body) == "");
      CHECK(contains(figure.caption, "n = "));
      CHECK(!contains(figure.body, "<plain>"));
    }
    CHECK(contains(figures[0].body, runs.size() == 1 ? "epochs done" : "steps done"));
  }
  CHECK(contains(training_figures({one, plain})[0].caption, "2 logged steps and 1 epoch (one)"));
}
