#include "search/report/agreement_map.h"

#include <cmath>
#include <limits>
#include <map>

#include "search/ranking.h"
#include "search/report/markup.h"

namespace rlnas {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

}  // namespace

HeatMap agreement_map(const std::string& title, const std::vector<const SearchRecord::Column*>& scores) {
  HeatMap map{
      .title = title, .rows = {}, .columns = {}, .shades = {}, .texts = {}, .hovers = {}, .framed = {}};
  const std::size_t n = scores.size();
  for (std::size_t c = 0; c + 1 < n; ++c) map.columns.push_back(scores[c]->name);
  for (std::size_t r = 1; r < n; ++r) {
    map.rows.push_back(scores[r]->name);
    for (std::size_t c = 0; c + 1 < n; ++c) {
      std::vector<double> x, y;
      for (std::size_t i = 0; c < r && i < scores[r]->values.size(); ++i) {
        if (std::isnan(scores[r]->values[i]) || std::isnan(scores[c]->values[i])) continue;
        x.push_back(scores[r]->values[i]);
        y.push_back(scores[c]->values[i]);
      }
      const double tau = x.size() < 2 ? kNaN : kendall_tau_b(x, y);
      map.shades.push_back(tau);
      map.texts.push_back(fixed_text(tau, 2));
      map.hovers.push_back(scores[r]->name + " and " + scores[c]->name + ": tau-b " + fixed_text(tau, 3) +
                           " over " + count_text(std::int64_t(x.size()), "architecture"));
    }
  }
  return map;
}

std::vector<SearchRecord::Column> scores_side_by_side(const std::vector<const SearchRecord*>& searches) {
  std::map<std::string, std::size_t> places;
  for (const SearchRecord* search : searches)
    for (const std::string& text : search->texts) places.try_emplace(text, places.size());
  std::vector<SearchRecord::Column> columns;
  for (const SearchRecord* search : searches) {
    SearchRecord::Column& column =
        columns.emplace_back(search->label, search->score_label(), std::vector<double>(places.size(), kNaN));
    for (std::size_t i = 0; i < search->texts.size(); ++i)
      column.values[places.at(search->texts[i])] = search->scores()[i];
  }
  return columns;
}

}  // namespace rlnas
