// The 30 architectures of every training-step figure, fixed once: drawn uniformly by Python's
// random.Random(1). Each runs the same operations in all 15 cells. bench/baselines/pytorch_step.py draws the
// same.
#pragma once

#include <array>

#include "search/nasbench201/cell.h"

namespace rlnas::bench {

inline constexpr int kStepPathCount = 30;

// Edge order 1<-0, 2<-0, 2<-1, 3<-0, 3<-1, 3<-2; digits are values of nasbench201::Op.
inline constexpr std::array<const char*, kStepPathCount> kStepPathDigits{
    "140203", "333103", "033403", "214020", "004031", "304133", "412113", "203401", "202434", "122434",
    "340313", "312420", "340143", "230302", "444311", "410144", "134242", "324403", "414413", "032441",
    "433232", "044442", "340114", "410420", "000302", "120412", "201124", "122323", "300232", "312024"};

inline std::array<nasbench201::Cell, kStepPathCount> step_paths() {
  std::array<nasbench201::Cell, kStepPathCount> cells;
  for (std::size_t path = 0; path < cells.size(); ++path)
    for (std::size_t edge = 0; edge < nasbench201::kEdgeCount; ++edge)
      cells[path].ops[edge] = nasbench201::Op(kStepPathDigits[path][edge] - '0');
  return cells;
}

}  // namespace rlnas::bench
