#include "search/report/report_files.h"

#include <filesystem>

#include "engine/atomic_file.h"
#include "kernels/check.h"
#include "search/search_report.h"

namespace rlnas {
namespace {

namespace fs = std::filesystem;

bool same_directory(const std::string& a, const std::string& b) {
  std::error_code none;
  return !a.empty() && !b.empty() && fs::equivalent(a, b, none);
}

}  // namespace

ReportFiles::ReportFiles(const ReportRequest& request, const std::string& run)
    : directory_(request.directory), run_(run) {
  RLNAS_CHECK(wanted() || request.runs.empty(), usage,
              "--report-runs: say where the report goes with --report DIR");
  if (!wanted()) return;
  std::error_code error;
  fs::create_directories(directory_, error);
  RLNAS_CHECK(fs::is_directory(directory_, error), data, "--report ", directory_, ": cannot be made");
  remove_stale_temporaries(directory_);
  for (const std::string& path : request.runs) {
    if (same_directory(path, run_)) continue;
    others_.push_back(read_reported_run("--report-runs", path));
  }
  shorten_labels(others_, run_);
}

ReportedRun ReportFiles::own_run() const {
  return {run_.empty() ? "this search" : short_run_name(run_), read_training_record(run_), {}};
}

void ReportFiles::write(const SearchReport& report) const {
  const ReportedRun run = own_run();
  write_file(kSearchJson, report_json(report));
  write_file(kArchitecturesCsv, report_csv(report));
  write_page(search_page(report, run, others_), run);
}

void ReportFiles::write(const TrainConfig& config) const {
  const ReportedRun run = own_run();
  write_page(training_page(config.network.space, config.network.arch, run, others_), run);
}

void ReportFiles::write_page(const ReportPage& page, const ReportedRun& run) const {
  std::vector<TrainingRecord> trainings;
  const auto add = [&](const ReportedRun& one) {
    if (one.training.empty()) return;
    trainings.push_back(one.training);
    trainings.back().label = one.label;
  };
  add(run);
  for (const ReportedRun& other : others_) add(other);
  if (!trainings.empty()) write_file("training.csv", training_csv(trainings));
  write_file("report.html", page_html(page));
}

void ReportFiles::write_file(const char* name, const std::string& text) const {
  write_report_file("--report", (fs::path(directory_) / name).string(), text);
}

}  // namespace rlnas
