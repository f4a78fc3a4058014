// The networks of NAS-Bench-201 (method.md 3.1, 16.4): stem, three stages of searchable cells with a residual
// block in front of the second and third, head. In a SuperNet every cell may run a path of its own.
#pragma once

#include <span>
#include <vector>

#include "search/space.h"

namespace rlnas::nasbench201 {

const CellSpec& cell_spec();

Graph network(const NetworkOptions& options, std::span<const Genes> paths);
std::vector<ChoiceSite> choice_sites(const NetworkOptions& options);

inline constexpr int kStages = 3;
inline int cells_per_stage(const NetworkOptions& options) {
  constexpr int kPublished = 5;
  return options.cells > 0 ? options.cells : kPublished;
}

}  // namespace rlnas::nasbench201
