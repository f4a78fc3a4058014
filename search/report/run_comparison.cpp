#include "search/report/run_comparison.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>

#include "kernels/check.h"
#include "search/report/markup.h"

namespace rlnas {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kAccuraciesShown = 3;
const double kUnknown = std::numeric_limits<double>::quiet_NaN();

double last_of(const std::vector<double>& values) {
  return values.empty() ? kUnknown : values.back();
}

std::string setting(const ReportedRun& run, std::string_view name) {
  for (const auto& [key, value] : run.training.settings)
    if (key == name) return value;
  return "";
}

std::string space_of(const ReportedRun& run) {
  const std::string trained = setting(run, "space");
  return trained.empty() && run.search ? run.search->space : trained;
}

// Of the architecture that a search found: nothing where it found none.
struct Found {
  explicit Found(const SearchRecord& search) : search_(search), place_(search.best()) {}

  bool nothing() const { return place_ < 0; }
  std::string text() const { return nothing() ? "" : search_.texts[std::size_t(place_)]; }
  double value() const { return nothing() ? kUnknown : search_.scores()[std::size_t(place_)]; }
  double of(const SearchRecord::Column& column) const {
    return nothing() ? kUnknown : column.values[std::size_t(place_)];
  }
  // "macs" or "params", in millions.
  double millions(const char* count) const {
    const SearchRecord::Column* column = search_.find(count);
    return column == nullptr ? kUnknown : of(*column);
  }

 private:
  const SearchRecord& search_;
  int place_;
};

// ---- For people
using Row = std::vector<std::string>;

std::string shown(double value, const std::string& text) {
  return std::isnan(value) ? "" : text;
}

std::string value_text(double value) {  // with the sign that terminals and grep know
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return shown(value, text);
}

// Columns as wide as their widest cell, the first and the last from the left, all others from the right.
std::string aligned(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths(rows.front().size(), 0);
  for (const Row& row : rows)
    for (std::size_t c = 0; c < row.size(); ++c)
      widths[c] = std::max({widths[c], characters(row[c]), std::size_t{1}});
  std::string text;
  for (const Row& row : rows) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string cell = row[c].empty() ? "-" : row[c];
      const std::string space(widths[c] - characters(cell), ' ');
      const bool last = c + 1 == row.size();
      text += c == 0 ? cell + space : "  " + (last ? cell : space + cell);
    }
    text += '\n';
  }
  return text;
}

Row training_row(const ReportedRun& run) {
  const TrainingRecord::Epochs& e = run.training.epochs;
  const double loss = last_of(e.loss), angle = last_of(e.angle_mean_rad), speed = last_of(e.images_per_s);
  return {run.label,
          count_text(e.epoch.empty() ? 0 : std::int64_t(e.epoch.back())),
          shown(loss, fixed_text(loss, 4)),
          shown(angle, fixed_text(angle, 4)),
          shown(speed, fixed_text(speed, 1)),
          setting(run, "labels"),
          space_of(run),
          setting(run, "data")};
}

// Names of the accuracies that are shown, of all searches.
Row accuracies_shown(const std::vector<ReportedRun>& runs) {
  Row names;
  for (const ReportedRun& run : runs) {
    if (!run.search) continue;
    for (const std::size_t c : run.search->main_accuracies(kAccuraciesShown)) {
      const std::string& name = run.search->accuracies[c].name;
      if (std::ranges::find(names, name) == names.end()) names.push_back(name);
    }
  }
  return names;
}

Row search_row(const ReportedRun& run, const Row& accuracies) {
  const SearchRecord& search = *run.search;
  const Found found(search);
  const double macs = found.millions("macs"), params = found.millions("params");
  Row row{run.label,
          search.method,
          search.score,
          value_text(found.value()),
          shown(macs, fixed_text(macs, 2)),
          shown(params, fixed_text(params, 3))};
  for (const std::string& name : accuracies) {
    const auto column = std::ranges::find(search.accuracies, name, &SearchRecord::Column::name);
    const double accuracy = column == search.accuracies.end() ? kUnknown : found.of(*column);
    row.push_back(shown(accuracy, fixed_text(accuracy, 2)));
  }
  row.push_back(found.text());
  return row;
}

// ---- For programs
Json number_or_null(double value) {
  return std::isnan(value) ? Json() : Json(value);
}
Json count_or_null(double millions) {
  return std::isnan(millions) ? Json() : Json(std::llround(millions * 1e6));
}
Json text_or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

Json search_json(const SearchRecord& search) {
  const Found found(search);
  Json json{{"method", search.method},
            {"score", search.score},
            {"seed", search.seed},
            {"evaluations", search.size()},
            {"arch", text_or_null(found.text())},
            {"value", number_or_null(found.value())},
            {"macs", count_or_null(found.millions("macs"))},
            {"params", count_or_null(found.millions("params"))},
            {"truth", Json::object()}};
  for (const SearchRecord::Column& column : search.accuracies)
    json["truth"][column.name] = number_or_null(found.of(column));
  return json;
}

Json run_json(const ReportedRun& run) {
  const TrainingRecord::Epochs& e = run.training.epochs;
  return {{"run", run.label},
          {"space", text_or_null(space_of(run))},
          {"arch", text_or_null(setting(run, "architecture"))},
          {"data", text_or_null(setting(run, "data"))},
          {"labels", text_or_null(setting(run, "labels"))},
          {"seed", text_or_null(setting(run, "seed"))},
          {"epochs", e.epoch.empty() ? 0 : std::int64_t(e.epoch.back())},
          {"loss", number_or_null(last_of(e.loss))},
          {"angle_mean_rad", number_or_null(last_of(e.angle_mean_rad))},
          {"images_per_s", number_or_null(last_of(e.images_per_s))},
          {"test_top1", number_or_null(last_of(run.training.tests.top1))},
          {"search", run.search ? search_json(*run.search) : Json()}};
}

}  // namespace

std::vector<ReportedRun> read_compared_runs(const std::vector<std::string>& directories) {
  RLNAS_CHECK(!directories.empty(), usage, "--compare: name run directories");
  std::vector<ReportedRun> runs;
  for (const std::string& directory : directories) {
    ReportedRun run = read_reported_run("--compare", directory);
    if (!run.search) run.search = read_search_record((std::filesystem::path(directory) / "report").string());
    runs.push_back(std::move(run));
  }
  shorten_labels(runs, "");
  return runs;
}

std::string comparison_text(const std::vector<ReportedRun>& runs) {
  std::vector<Row> trainings{{"run", "epochs", "loss", "angle", "images/s", "labels", "space", "data"}};
  for (const ReportedRun& run : runs) trainings.push_back(training_row(run));
  const Row accuracies = accuracies_shown(runs);
  Row head{"run", "method", "score", "value", "M MACs", "M params"};
  head.insert(head.end(), accuracies.begin(), accuracies.end());
  head.push_back("found");
  std::vector<Row> searches{head};
  for (const ReportedRun& run : runs)
    if (run.search) searches.push_back(search_row(run, accuracies));
  return aligned(trainings) + (searches.size() > 1 ? "\n" + aligned(searches) : "");
}

std::string comparison_json(const std::vector<ReportedRun>& runs) {
  Json json{{"schema", 1}, {"runs", Json::array()}};
  for (const ReportedRun& run : runs) json["runs"].push_back(run_json(run));
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace rlnas
