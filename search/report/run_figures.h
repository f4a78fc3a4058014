// Several runs beside each other, in numbers.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "search/report/figure.h"
#include "search/report/search_record.h"
#include "search/report/training_record.h"

namespace rlnas {

struct ReportedRun {
  std::string label;
  TrainingRecord training;             // may be empty
  std::optional<SearchRecord> search;  // likewise none
};

// A table, and how far searches comparable with the first agree; none of one run.
std::vector<Figure> run_figures(const std::vector<ReportedRun>& runs);

}  // namespace rlnas
