#include "search/report/point_cloud.h"

#include <cmath>

#include "search/report/markup.h"

namespace rlnas {

PointCloud point_cloud(const SearchRecord& record, const DrawnPoints& points, const SearchRecord::Column& x,
                       const SearchRecord::Column& y) {
  Series cloud{.name = "architecture", .style = 0, .mark = Mark::dots};
  Series found{.name = "found", .style = 2, .mark = Mark::symbols};
  int finite = 0;
  for (std::size_t i = 0; i < x.values.size(); ++i)
    finite += std::isfinite(x.values[i]) && std::isfinite(y.values[i]) ? 1 : 0;
  int drawn = 0;
  for (std::size_t row = 0; row < points.places.size(); ++row) {
    const std::size_t place = std::size_t(points.places[row]);
    Series& series = record.rank[place] == 1 ? found : cloud;
    series.x.push_back(x.values[place]);
    series.y.push_back(y.values[place]);
    series.architectures.push_back(int(row));
    drawn += std::isfinite(x.values[place]) && std::isfinite(y.values[place]) ? 1 : 0;
  }
  std::string caption = "n = " + count_text(finite, "architecture");
  if (drawn < finite) caption += ", of which " + count_text(drawn) + " are drawn";
  caption += ".";
  if (finite < record.size())
    caption += " " + count_text(record.size() - finite) + " without two finite values left out.";
  return {{.title = "", .x = {.label = x.label}, .y = {.label = y.label}, .series = {cloud, found}}, caption};
}

}  // namespace rlnas
