// Scoring every legal architecture of a small space.
#pragma once

#include <vector>

#include "search/evolution.h"

namespace rlnas {

// All legal candidates in lexicographic order of their genes (on NAS-Bench-201: enumeration order).
// Errors: usage when the space has more than ten million gene strings, or none of them is legal.
std::vector<Candidate> exhaustive_search(const EvolutionSpace& space, Measure& measure);

}  // namespace rlnas
