#include "search/report/report_page.h"

#include <algorithm>
#include <cmath>

#include "kernels/check.h"
#include "rlnas/train.hpp"
#include "search/report/architecture_svg.h"
#include "search/report/markup.h"
#include "search/report/run_figures.h"
#include "search/report/search_figures.h"
#include "search/report/training_figures.h"
#include "search/spaces.h"

namespace rlnas {
namespace {

constexpr int kDrawnPoints = 2000;           // keeps the page of all 15,625 cells below 1 MB
constexpr std::size_t kTextBytes = 600'000;  // of the architectures drawn, about

std::string footer() {
  return "rlnas " + version() + ". The numbers of the figures are in the files beside this page.";
}

std::string share_text(double share) {
  return number_text(100.0 * share, 4) + " %";
}

// "angle (rad)" is told as "0.4123 rad" beside the name "angle".
void add_value(FactList& facts, const SearchRecord::Column& column, int place) {
  const double value = column.values[std::size_t(place)];
  if (column.name == "params")
    facts.add("parameters", count_text(std::llround(value * 1e6)));
  else
    facts.add(column.label, number_text(value, 6));
}

std::string accuracy_text(const ColumnCorrelation& c, std::int64_t size) {
  return number_text(c.best.accuracy, 5) + " %, rank " + count_text(c.best.rank) + " of " + count_text(size) +
         ", percentile " + number_text(c.best.percentile, 4);
}

std::string limits_text(const Constraint& limits) {
  const Constraint none;
  std::string text;
  if (limits.max_macs < none.max_macs) text = number_text(double(limits.max_macs) / 1e6, 6) + " MFLOPs";
  if (limits.max_params < none.max_params)
    text += (text.empty() ? "" : ", ") + count_text(limits.max_params) + " parameters";
  return text;
}

std::string search_facts(const SearchReport& report, const SearchRecord& record) {
  FactList facts;
  const FoundArchitecture& best = report.best();
  const int place = record.best();
  facts.add_copied("architecture", best.text);
  if (best.benchmark_index >= 0) facts.add("index", "#" + std::to_string(best.benchmark_index));
  add_value(facts, record.columns[record.score_column], place);
  for (std::size_t c = 0; c < record.columns.size(); ++c)
    if (c != record.score_column) add_value(facts, record.columns[c], place);
  if (!report.correlations.empty())
    for (const std::size_t column : record.main_accuracies(3))
      facts.add(record.accuracies[column].name,
                accuracy_text(report.correlations[column], report.space_size));
  if (report.optimum) {
    const double gap = report.optimum->proof.bound_rad - report.value(best, "angle");
    facts.add("to the optimum", number_text(std::max(0.0, gap), 3) + " rad" +
                                    (report.optimum->proof.proven ? " (proven)" : " (bound)"));
  }
  facts.add("searched", count_text(record.size(), "architecture") +
                            (report.space_size > 0 ? " of " + count_text(report.space_size) : ""));
  if (report.generations > 0)
    facts.add("generations", count_text(report.generations) + ", seed " + std::to_string(record.seed));
  if (const std::string limits = limits_text(report.config.space.constraint); !limits.empty()) {
    facts.add("limits", limits);
    if (report.generations > 0)
      facts.add("random proposals within them", share_text(report.acceptance.rate()));
  }
  if (!report.tried_on.empty()) facts.add("tried on", report.tried_on);
  return facts.html();
}

std::string head_html(const std::string& drawing, const std::string& facts) {
  if (drawing.empty()) return "<div class=\"head single\"><div>" + facts + "</div></div>";
  return "<div class=\"head\"><div>" + drawing + "</div><div>" + facts + "</div></div>";
}

ReportPage::Architectures architectures_of(const SearchRecord& record, const DrawnPoints& points) {
  ReportPage::Architectures table;
  std::vector<const SearchRecord::Column*> columns;
  for (const SearchRecord::Column& column : record.columns) columns.push_back(&column);
  for (const std::size_t column : record.main_accuracies(3)) columns.push_back(&record.accuracies[column]);
  for (const SearchRecord::Column* column : columns) table.columns.push_back(column->label);
  table.columns.push_back("rank by score");
  for (const int place : points.places) {
    ReportPage::Architectures::Row row{record.texts[std::size_t(place)], {}};
    for (const SearchRecord::Column* column : columns)
      row.values.push_back(number_text(column->values[std::size_t(place)], 6));
    row.values.push_back(count_text(record.rank[std::size_t(place)]));
    table.rows.push_back(std::move(row));
  }
  return table;
}

std::string last(const std::vector<double>& values, int digits) {
  return values.empty() ? "" : number_text(values.back(), digits);
}

// The run itself and those beside it; what is recorded of each bears its label.
std::vector<ReportedRun> together(const ReportedRun& run, const std::vector<ReportedRun>& others) {
  std::vector<ReportedRun> runs{run};
  runs.insert(runs.end(), others.begin(), others.end());
  for (ReportedRun& one : runs) {
    one.training.label = one.label;
    if (one.search) one.search->label = one.label;
  }
  return runs;
}

std::vector<TrainingRecord> trainings_of(const std::vector<ReportedRun>& runs) {
  std::vector<TrainingRecord> trainings;
  for (const ReportedRun& run : runs)
    if (!run.training.empty()) trainings.push_back(run.training);
  return trainings;
}

// The searches beside the first run's that figures can show with it.
std::vector<SearchRecord> comparable_searches(const std::vector<ReportedRun>& runs) {
  std::vector<SearchRecord> searches;
  for (std::size_t i = 1; i < runs.size(); ++i)
    if (runs[i].search && comparable(*runs[0].search, *runs[i].search)) searches.push_back(*runs[i].search);
  return searches;
}

std::string joined_settings(const TrainingRecord& training, const std::vector<std::string>& names) {
  std::string text;
  for (const auto& [name, value] : training.settings)
    if (std::ranges::find(names, name) != names.end())
      text += (text.empty() ? "" : ", ") + name + " " + value;
  return text;
}

// So that long texts do not make a large page.
int point_limit(const SearchRecord& record) {
  std::size_t bytes = 1;
  for (const std::string& text : record.texts) bytes += text.size();
  const double each = double(bytes) / double(std::max<std::size_t>(record.texts.size(), 1));
  return int(std::min(double(kDrawnPoints), std::max(100.0, double(kTextBytes) / each)));
}

}  // namespace

ReportPage search_page(const SearchReport& report, const ReportedRun& run,
                       const std::vector<ReportedRun>& others) {
  ReportedRun own = run;
  own.search = record_of(report);
  const std::vector<ReportedRun> runs = together(own, others);
  const SearchRecord& record = *runs.front().search;
  const Space& space = find_space(report.config.space.name);
  const DrawnPoints points = drawn_points(record, point_limit(record));

  ReportPage page;
  page.title = std::string(space.info().title) + ": the best by " + record.score;
  page.subtitle = record.method + " search, " + count_text(record.size(), "architecture");
  if (const std::string training = joined_settings(run.training, {"data", "labels", "epochs", "seed"});
      !training.empty())
    page.subtitle += "; SuperNet trained with " + training;
  page.head = head_html(architecture_svg(space, report.best().genes), search_facts(report, record));
  page.sections.push_back({"runs", "Runs", run_figures(runs)});
  page.sections.push_back({"training", "Training", training_figures(trainings_of(runs))});
  page.sections.push_back(
      {"search", "Search", search_figures(record, comparable_searches(runs), space, points)});
  page.sections.push_back({"truth", "True accuracy", truth_figures(record, report, points)});
  page.architectures = architectures_of(record, points);
  page.footer = footer();
  return page;
}

ReportPage training_page(const std::string& space_name, const std::string& arch, const ReportedRun& run,
                         const std::vector<ReportedRun>& others) {
  const Space& space = find_space(space_name);
  const std::vector<ReportedRun> runs = together(run, others);
  FactList facts;
  const TrainingRecord::Epochs& e = run.training.epochs;
  for (const auto& [name, value] : run.training.settings) {
    if (name == "architecture")
      facts.add_copied(name, value);
    else
      facts.add(name, value);
  }
  facts.add("epochs done", e.epoch.empty() ? "0" : count_text(std::int64_t(e.epoch.back())));
  if (!e.epoch.empty()) {
    facts.add("loss, last epoch (nats)", last(e.loss, 5));
    facts.add("training accuracy", share_text(e.accuracy.back()));
    if (run.training.has_angles()) facts.add("mean angle (rad)", last(e.angle_mean_rad, 5));
  }
  const TrainingRecord::Tests& tests = run.training.tests;
  if (!tests.top1.empty()) facts.add("test accuracy, last", share_text(tests.top1.back()));

  ReportPage page;
  page.title = std::string(space.info().title) +
               (arch.empty() ? ": training of the SuperNet" : ": training of one architecture");
  page.subtitle = run.label;
  page.head = head_html(arch.empty() ? "" : architecture_svg(space, space.parse(arch)), facts.html());
  page.sections.push_back({"runs", "Runs", run_figures(runs)});
  page.sections.push_back({"training", "Training", training_figures(trainings_of(runs))});
  page.footer = footer();
  return page;
}

}  // namespace rlnas
