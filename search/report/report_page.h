// What a report says: of a search with the training before it, or of a training alone, and of other runs
// beside it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "search/report/html.h"
#include "search/report/search_record.h"
#include "search/report/training_record.h"

namespace rlnas {

struct RecordedRunFigures {
  std::string label;
  TrainingRecord training;             // may be empty
  std::optional<SearchRecord> search;  // of `label`
};

// label: of the run that was searched, in figures with several.
ReportPage search_page(const SearchReport& report, const RecordedRunFigures& run,
                       const std::vector<RecordedRunFigures>& others);

// arch: what was trained; empty: a SuperNet. Errors: usage for a space or an architecture that is none.
ReportPage training_page(const std::string& space, const std::string& arch, const RecordedRunFigures& run,
                         const std::vector<RecordedRunFigures>& others);

}  // namespace rlnas
