#include "search/report/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "engine/crc32.h"

namespace rlnas {

double quantile(std::span<const double> values, double share) {
  std::vector<double> sorted;
  std::ranges::copy_if(values, std::back_inserter(sorted), [](double value) { return !std::isnan(value); });
  if (sorted.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::ranges::sort(sorted);
  const double at = std::clamp(share, 0.0, 1.0) * double(sorted.size() - 1);
  const std::size_t below = std::size_t(at), above = std::min(below + 1, sorted.size() - 1);
  const double part = at - double(below);
  // Infinite neighbours have no difference.
  return part == 0.0 || sorted[below] == sorted[above] ? sorted[below]
                                                       : sorted[below] * (1.0 - part) + sorted[above] * part;
}

std::vector<GenerationSummary> generation_summaries(const SearchRecord& record) {
  std::vector<std::vector<int>> members(std::size_t(record.generations()) + 1);
  for (int i = 0; i < record.size(); ++i)
    if (record.generation[std::size_t(i)] > 0)
      members[std::size_t(record.generation[std::size_t(i)])].push_back(i);
  std::vector<GenerationSummary> summaries;
  int best = -1;
  for (int g = 1; g < int(members.size()); ++g) {
    const std::vector<int>& places = members[std::size_t(g)];
    if (places.empty()) continue;
    std::vector<double> scores;
    for (const int place : places) {
      scores.push_back(record.scores()[std::size_t(place)]);
      if (best < 0 || record.rank[std::size_t(place)] < record.rank[std::size_t(best)]) best = place;
    }
    summaries.push_back(
        {g, int(places.size()), quantile(scores, 0.1), quantile(scores, 0.5), quantile(scores, 0.9), best});
  }
  return summaries;
}

std::vector<int> pareto_front(std::span<const double> cost, std::span<const double> score) {
  std::vector<int> order;
  for (std::size_t i = 0; i < cost.size(); ++i)
    if (std::isfinite(cost[i]) && std::isfinite(score[i])) order.push_back(int(i));
  std::ranges::sort(order, [&](int a, int b) {
    const std::size_t i = std::size_t(a), j = std::size_t(b);
    if (cost[i] != cost[j]) return cost[i] < cost[j];
    return score[i] != score[j] ? score[i] > score[j] : a < b;
  });
  std::vector<int> front;
  for (const int place : order)
    if (front.empty() || score[std::size_t(place)] > score[std::size_t(front.back())]) front.push_back(place);
  return front;
}

Histogram histogram(std::span<const double> values, int bins) {
  std::vector<double> finite;
  std::ranges::copy_if(values, std::back_inserter(finite), [](double value) { return std::isfinite(value); });
  Histogram result;
  result.left_out = int(values.size() - finite.size());
  if (finite.empty() || bins < 1) return result;
  const auto [least, greatest] = std::ranges::minmax(finite);
  if (least == greatest) return {{least}, {double(finite.size())}, result.left_out};
  const double width = (greatest - least) / bins;
  for (int b = 0; b < bins; ++b) result.middle.push_back(least + width * (b + 0.5));
  result.count.assign(std::size_t(bins), 0.0);
  for (const double value : finite)
    ++result.count[std::size_t(std::min(int((value - least) / width), bins - 1))];
  return result;
}

std::vector<int> shown_places(const SearchRecord& record, const std::vector<int>& always, int limit) {
  std::vector<int> places(std::size_t(record.size()));
  std::iota(places.begin(), places.end(), 0);
  if (record.size() <= limit) return places;
  std::set<int> shown(always.begin(), always.end());
  std::vector<std::pair<std::uint32_t, int>> others;
  for (const int place : places)
    if (!shown.contains(place)) others.emplace_back(crc32_of(record.texts[std::size_t(place)]), place);
  std::ranges::sort(others);
  for (std::size_t i = 0; i < others.size() && int(shown.size()) < limit; ++i) shown.insert(others[i].second);
  return {shown.begin(), shown.end()};
}

ThinCurve thin_curve(std::span<const double> x, std::span<const double> y, int limit) {
  ThinCurve curve;
  const std::size_t stride = (x.size() + std::size_t(limit) - 1) / std::size_t(limit);
  curve.stride = std::max(int(stride), 1);
  for (std::size_t begin = 0; begin < x.size(); begin += std::size_t(curve.stride)) {
    const std::size_t end = std::min(begin + std::size_t(curve.stride), x.size());
    const auto mean = [&](std::span<const double> of) {
      return std::accumulate(of.begin() + std::ptrdiff_t(begin), of.begin() + std::ptrdiff_t(end), 0.0) /
             double(end - begin);
    };
    curve.x.push_back(mean(x));
    curve.y.push_back(mean(y));
  }
  return curve;
}

}  // namespace rlnas
