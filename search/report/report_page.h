// What a report says: of a search with the training before it, or of a training alone, and of other runs
// beside it.
#pragma once

#include <string>
#include <vector>

#include "search/report/html.h"
#include "search/report/run_figures.h"

namespace rlnas {

// run: what was searched; its own search is `report`.
ReportPage search_page(const SearchReport& report, const ReportedRun& run,
                       const std::vector<ReportedRun>& others);

// arch: what was trained; empty: a SuperNet. Errors: usage for a space or an architecture that is none.
ReportPage training_page(const std::string& space, const std::string& arch, const ReportedRun& run,
                         const std::vector<ReportedRun>& others);

}  // namespace rlnas
