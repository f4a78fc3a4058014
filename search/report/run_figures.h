// Several runs beside each other, in numbers.
#pragma once

#include <vector>

#include "search/report/figure.h"
#include "search/report/reported_run.h"

namespace rlnas {

// A table, and how far searches comparable with the first agree; none of one run.
std::vector<Figure> run_figures(const std::vector<ReportedRun>& runs);

}  // namespace rlnas
