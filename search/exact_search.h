// What an exact search found, and the methods that serve more than one space: see exact.h and exact_cells.h
// for why they are exact.
#pragma once

#include <cstdint>

#include "search/genes.h"

namespace rlnas {

class SearchSpace;

struct Optimum {
  Genes genes = {};        // empty: no architecture is within the limits
  bool proven = false;     // no other has a larger angle
  double bound_rad = 0.0;  // no architecture within the limits has a larger one
  std::int64_t nodes = 0;  // of the search tree
  double seconds = 0.0;
};

// By looking at all architectures; equal angles rank as in every search.
Optimum exact_by_enumeration(const SearchSpace& space);

// Of a chain, where every gene counts once: by minimise_cos().
struct ExactProblem;
ExactProblem exact_problem(const SearchSpace& space);
Optimum exact_of_chain(const SearchSpace& space);

}  // namespace rlnas
