// One number of architectures against another, the found one marked: thinned, which the caption says.
#pragma once

#include "search/report/search_figures.h"

namespace rlnas {

struct PointCloud {
  Plot plot;  // without a title; the found architecture is the last series
  std::string caption;
};

// Both columns are of `record`.
PointCloud point_cloud(const SearchRecord& record, const DrawnPoints& points, const SearchRecord::Column& x,
                       const SearchRecord::Column& y);

}  // namespace rlnas
