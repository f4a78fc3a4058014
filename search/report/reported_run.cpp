#include "search/report/reported_run.h"

#include <algorithm>
#include <filesystem>

#include "kernels/check.h"

namespace rlnas {

namespace fs = std::filesystem;

ReportedRun read_reported_run(const std::string& flag, const std::string& directory) {
  ReportedRun run{directory, read_training_record(directory), read_search_record(directory)};
  // A run that was just begun has a run.json, and no events yet.
  RLNAS_CHECK(!run.training.empty() || !run.training.settings.empty() || run.search, data, flag, ' ',
              directory, ": holds neither events.jsonl nor a search.json with architectures.csv");
  return run;
}

std::string short_run_name(const std::string& path) {
  const fs::path whole(path);
  const std::string name = (whole.has_filename() ? whole : whole.parent_path()).filename().string();
  return name.empty() || name == "." || name == ".." ? path : name;
}

void shorten_labels(std::vector<ReportedRun>& runs, const std::string& beside) {
  std::vector<std::string> names;
  for (const ReportedRun& run : runs) names.push_back(short_run_name(run.label));
  for (std::size_t i = 0; i < runs.size(); ++i)
    if (std::ranges::count(names, names[i]) == 1 && names[i] != short_run_name(beside))
      runs[i].label = names[i];
}

}  // namespace rlnas
