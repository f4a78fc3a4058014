#include "search/report/training_record.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/atomic_file.h"
#include "engine/bounded_json.h"
#include "kernels/check.h"
#include "kernels/words.h"
#include "search/csv.h"
#include "search/report/markup.h"
#include "search/run_directory.h"

namespace rlnas {
namespace {

using Json = nlohmann::json;

double field(const Json& event, const char* name) {
  const auto found = event.find(name);
  return found != event.end() && found->is_number() ? found->get<double>()
                                                    : std::numeric_limits<double>::quiet_NaN();
}

void take(TrainingRecord& record, const Json& event) {
  const std::string kind = event.value("event", "");
  const auto push = [&](std::vector<double>& to, const char* name) { to.push_back(field(event, name)); };
  if (kind == "step") {
    push(record.steps.step, "step");
    push(record.steps.loss, "loss");
    push(record.steps.learning_rate, "learning_rate");
  } else if (kind == "epoch") {
    TrainingRecord::Epochs& e = record.epochs;
    e.epoch.push_back(field(event, "epoch") + 1);
    push(e.step, "step");
    push(e.loss, "loss");
    push(e.accuracy, "accuracy");
    push(e.learning_rate, "learning_rate");
    push(e.images_per_s, "images_per_s");
    push(e.angle_mean_rad, "angle_mean_rad");
    push(e.angle_min_rad, "angle_min_rad");
    push(e.angle_max_rad, "angle_max_rad");
  } else if (kind == "test") {
    push(record.tests.step, "step");
    push(record.tests.top1, "top1");
    push(record.tests.top5, "top5");
    push(record.tests.loss, "loss");
  }
}

std::vector<std::pair<std::string, std::string>> settings_of(const TrainConfig& c) {
  std::vector<std::pair<std::string, std::string>> settings{{"space", c.network.space}};
  if (!c.network.arch.empty()) settings.emplace_back("architecture", c.network.arch);
  settings.insert(settings.end(),
                  {{"data", c.data.spec},
                   {"images", c.data.images > 0 ? count_text(c.data.images) : "all of the split"},
                   {"labels", word_of(c.labels.kind)},
                   {"seed", std::to_string(c.recipe.seed)},
                   {"epochs", count_text(c.recipe.epochs)},
                   {"batch size", count_text(c.recipe.batch_size)},
                   {"learning rate", number_text(c.recipe.learning_rate)}});
  return settings;
}

}  // namespace

bool TrainingRecord::has_angles() const {
  return std::ranges::any_of(epochs.angle_mean_rad, [](double angle) { return std::isfinite(angle); });
}

double TrainingRecord::steps_per_epoch() const {
  if (epochs.step.empty() || !(epochs.epoch.front() >= 1)) return 0.0;
  return epochs.step.front() / epochs.epoch.front();
}

TrainingRecord parse_training_events(const std::string& path, std::string_view text) {
  TrainingRecord record;
  CsvLines lines(text);
  const bool half_written = !text.empty() && text.back() != '\n';
  const std::string_view last = text.substr(std::min(text.rfind('\n') + 1, text.size()));
  std::string_view line;
  while (lines.next(line)) {
    const Json event = parse_json_or_none<Json>(line);
    const bool is_event = event.is_object() && event.contains("event") && event["event"].is_string();
    if (!is_event && half_written && line.data() == last.data()) break;
    RLNAS_CHECK(is_event, data, path, ": line ", lines.number(), " is no event");
    take(record, event);
  }
  return record;
}

TrainingRecord read_training_record(const std::string& directory) {
  const RunDirectory run(directory);
  TrainingRecord record;
  std::error_code none;
  if (directory.empty()) return record;
  if (std::filesystem::exists(run.events_file(), none))
    record = parse_training_events(run.events_file(), read_file(run.events_file()));
  if (const auto recorded = run.recorded()) record.settings = settings_of(recorded->config);
  return record;
}

std::string training_csv(const std::vector<TrainingRecord>& records) {
  std::string text =
      "run,event,step,epoch,loss,accuracy,learning_rate,images_per_s,angle_mean_rad,angle_min_rad,"
      "angle_max_rad,top1,top5\n";
  const double none = std::numeric_limits<double>::quiet_NaN();
  for (const TrainingRecord& record : records) {
    const auto row = [&](const char* event, std::initializer_list<double> values) {
      text += csv_field(record.label) + ',' + event;
      for (const double value : values) text += ',' + (std::isnan(value) ? "" : exact_number(value));
      text += '\n';
    };
    const TrainingRecord::Steps& s = record.steps;
    for (std::size_t i = 0; i < s.step.size(); ++i)
      row("step", {s.step[i], none, s.loss[i], none, s.learning_rate[i], none, none, none, none, none, none});
    const TrainingRecord::Epochs& e = record.epochs;
    for (std::size_t i = 0; i < e.step.size(); ++i)
      row("epoch", {e.step[i], e.epoch[i], e.loss[i], e.accuracy[i], e.learning_rate[i], e.images_per_s[i],
                    e.angle_mean_rad[i], e.angle_min_rad[i], e.angle_max_rad[i], none, none});
    const TrainingRecord::Tests& t = record.tests;
    for (std::size_t i = 0; i < t.step.size(); ++i)
      row("test", {t.step[i], none, t.loss[i], none, none, none, none, none, none, t.top1[i], t.top5[i]});
  }
  return text;
}

}  // namespace rlnas
