// Figures of a search, and of others beside it: evolution, score against cost, what the best are made of,
// score against score; with a truth table score against accuracy.
#pragma once

#include "search/report/figure.h"
#include "search/report/search_record.h"
#include "search/space.h"

namespace rlnas {

// The architectures that are drawn as points: rows of the page's table.
struct DrawnPoints {
  std::vector<int> places;  // in the record; row i is that of places[i]
  std::vector<int> row_of;  // of each place of the record; -1: not drawn
};
// At most `limit`, with the best and the Pareto front among them.
DrawnPoints drawn_points(const SearchRecord& record, int limit);

// `others`: searches comparable with it, whose labels name them.
std::vector<Figure> search_figures(const SearchRecord& record, const std::vector<SearchRecord>& others,
                                   const Space& space, const DrawnPoints& points);

// Score against accuracy and how well they agree; none without a truth table. report: that of the record.
std::vector<Figure> truth_figures(const SearchRecord& record, const SearchReport& report,
                                  const DrawnPoints& points);

}  // namespace rlnas
