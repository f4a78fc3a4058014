// What the figures of a report show of many architectures. Statistics are over all of them; only points are
// thinned.
#pragma once

#include <span>
#include <vector>

#include "search/report/search_record.h"

namespace rlnas {

// Between order statistics by linear interpolation (Hyndman and Fan's type 7). share: 0..1. NaN values are
// left out; NaN where none is left.
double quantile(std::span<const double> values, double share);

// Of one generation, and of all up to it.
struct GenerationSummary {
  int generation = 0;
  int size = 0;                                // architectures evaluated in it
  double low = 0.0, median = 0.0, high = 0.0;  // 10 %, 50 % and 90 % of its scores
  int best_so_far = 0;                         // place in the record
};
// Generations without architectures are left out; empty where the method has none.
std::vector<GenerationSummary> generation_summaries(const SearchRecord& record);

// Places of those that no other one beats in both: by rising cost, each with a higher score than all that
// cost as much or less. Not finite ones are left out. Shapes: cost and score [n].
std::vector<int> pareto_front(std::span<const double> cost, std::span<const double> score);

// Counts of finite values in bins of equal width from the least to the greatest.
struct Histogram {
  std::vector<double> middle, count;
  int left_out = 0;  // values that are not finite
};
Histogram histogram(std::span<const double> values, int bins);

// Which architectures are drawn as points: all up to `limit`, beyond it those of `always` and as many others
// as fit, by the CRC-32 of their texts, which no order and no regularity of the space can lean on. Ascending
// places.
std::vector<int> shown_places(const SearchRecord& record, const std::vector<int>& always, int limit);

// A long curve as the means of runs of consecutive points. stride: points in each; 1: as it was.
struct ThinCurve {
  std::vector<double> x, y;
  int stride = 1;
};
ThinCurve thin_curve(std::span<const double> x, std::span<const double> y, int limit);

}  // namespace rlnas
