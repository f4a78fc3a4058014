// How far scores agree in the order they give: Kendall's tau-b of every pair, as a map.
#pragma once

#include <string>
#include <vector>

#include "search/report/figure.h"
#include "search/report/search_record.h"

namespace rlnas {

// Columns of the same architectures; NaN: the score does not know one, which is left out of its pairs.
HeatMap agreement_map(const std::string& title, const std::vector<const SearchRecord::Column*>& scores);

// The scores of several searches, named by their labels, over all architectures that any of them evaluated.
std::vector<SearchRecord::Column> scores_side_by_side(const std::vector<const SearchRecord*>& searches);

}  // namespace rlnas
