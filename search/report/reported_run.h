// Run directories that a report or a comparison looks at: what a training run and a search left there.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "search/report/search_record.h"
#include "search/report/training_record.h"

namespace rlnas {

struct ReportedRun {
  std::string label;
  TrainingRecord training;             // may be empty
  std::optional<SearchRecord> search;  // likewise none
};

// Labelled by the whole path. flag: of the option that names `directory`. Errors: data, naming both, for one
// that holds neither events.jsonl nor what rlnas_search --report leaves; naming the file, for one that cannot
// be read.
ReportedRun read_reported_run(const std::string& flag, const std::string& directory);

// The last part of a path, with or without a slash behind it.
std::string short_run_name(const std::string& path);

// Labels that are paths become the last parts of these, unless two are the same, or that of the run `beside`
// them, which may be empty.
void shorten_labels(std::vector<ReportedRun>& runs, const std::string& beside);

}  // namespace rlnas
