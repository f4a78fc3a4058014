#include "search/correlations.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace rlnas {
namespace {

constexpr std::size_t kLeastGroup = 10;

std::vector<double> chosen(std::span<const double> values, const std::vector<std::size_t>& places) {
  std::vector<double> some;
  some.reserve(places.size());
  for (const std::size_t place : places) some.push_back(values[place]);
  return some;
}

RankCorrelation correlation_of(std::span<const double> score, std::span<const double> truth) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  const bool known = score.size() > 1 && std::ranges::none_of(score, [](double v) { return std::isnan(v); });
  return known ? rank_correlation(score, truth) : RankCorrelation{kNone, kNone, kNone};
}

}  // namespace

LiveOperations::LiveOperations(const Space& space) : cells_(space.cells()) {
  for (const CellSpec& cell : cells_) paths_.emplace_back(cell);
}

bool LiveOperations::only(const Genes& genes) const {
  std::span<const std::int8_t> rest = genes;
  for (std::size_t c = 0; c < cells_.size(); ++c) {
    const CellSpec& cell = cells_[c];
    const auto multiplicity = paths_[c].multiplicity(rest.first(cell.edges.size()));
    for (std::size_t edge = 0; edge < cell.edges.size(); ++edge)
      if (rest[edge] != cell.of(edge).none && multiplicity[edge] == 0) return false;
    rest = rest.subspan(cell.edges.size());
  }
  return true;
}

Comparison::Comparison(const Space& space, const std::vector<Item>& items) {
  const LiveOperations live(space);
  std::map<std::int64_t, std::vector<std::size_t>> by_macs;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (live.only(items[i].genes)) live_.push_back(i);
    by_macs[items[i].macs].push_back(i);
  }
  for (auto& [macs, places] : by_macs)
    if (places.size() >= kLeastGroup) groups_.push_back(std::move(places));
}

Agreement Comparison::agreement(std::span<const double> score, std::span<const double> truth) const {
  Agreement agreement{.all = correlation_of(score, truth),
                      .live = correlation_of(chosen(score, live_), chosen(truth, live_))};
  double sum = 0.0, weight = 0.0;
  for (const std::vector<std::size_t>& group : groups_) {
    const std::vector<double> accuracy = chosen(truth, group);
    if (std::ranges::min(accuracy) == std::ranges::max(accuracy)) continue;  // nothing to know
    const double tau = correlation_of(chosen(score, group), accuracy).kendall_tau_b;
    const double size = double(group.size());
    sum += size * (std::isnan(tau) ? 0.0 : tau);  // a score that is constant in the group knows nothing
    weight += size;
  }
  agreement.equal_macs = sum / weight;
  return agreement;
}

}  // namespace rlnas
