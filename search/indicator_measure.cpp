#include "search/indicator_measure.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <set>

#include "search/network_profiler.h"
#include "search/probe.h"

namespace rlnas {

IndicatorMeasure::IndicatorMeasure(const Measuring& with, const std::vector<std::string>& indicators,
                                   int draws)
    : with_(with), draws_(draws) {
  for (const std::string& name : indicators) {
    const IndicatorPlace place = find_indicator(name);
    auto group = std::ranges::find(groups_, place.group, &Group::indicators);
    if (group == groups_.end()) {
      const std::size_t count = place.group->infos().size();
      groups_.push_back({place.group, indicator_info(name).needs.network, std::vector<double>(count),
                         std::vector<double>(count)});
      group = groups_.end() - 1;
    }
    places_.push_back({std::size_t(group - groups_.begin()), std::size_t(place.member)});
  }
}

void IndicatorMeasure::measure_group(Group& group, const Genes& genes, bool alive) {
  const int draws = group.of_network ? draws_ : 1;
  std::ranges::fill(group.values, 0.0);
  for (int draw = 0; draw < draws; ++draw) {
    if (group.of_network) with_.probe->use_draw(draw);
    if (group.of_network && !alive)
      std::ranges::fill(group.draw, -std::numeric_limits<double>::infinity());
    else
      group.indicators->measure(with_, genes, group.draw);
    for (std::size_t k = 0; k < group.values.size(); ++k) group.values[k] += group.draw[k] / draws;
  }
}

std::vector<double> IndicatorMeasure::measure_some(std::span<const Genes> candidates, std::uint64_t wanted) {
  for (Group& group : groups_) group.wanted = false;
  for (std::size_t k = 0; k < places_.size(); ++k)
    if ((wanted >> k & 1) != 0) groups_[places_[k].group].wanted = true;
  std::vector<double> values;
  values.reserve(candidates.size() * places_.size());
  for (const Genes& genes : candidates) {
    check_interruption();
    if (with_.profiler) with_.profiler->begin_network();
    const bool alive = with_.probe == nullptr || with_.probe->is_alive(genes);
    for (Group& group : groups_) {
      if (!group.wanted) continue;
      if (with_.profiler) with_.profiler->begin_indicators();
      measure_group(group, genes, alive);
      if (with_.profiler) with_.profiler->end_indicators(group.indicators->infos().front().name);
    }
    if (with_.profiler) with_.profiler->end_network();
    for (const Place& place : places_) {
      const Group& group = groups_[place.group];
      values.push_back(group.wanted ? group.values[place.member] : std::numeric_limits<double>::quiet_NaN());
    }
  }
  return values;
}

// ---- over ranks

namespace {

constexpr const char* kAsk = "candidates to measure";

// Values of all candidates at every rank; each has computed those of its share.
std::vector<double> shared_values(PartialMeasure& own, std::span<const Genes> candidates,
                                  std::uint64_t wanted, Communicator& communicator) {
  const std::size_t ranks = std::size_t(communicator.size()), each = std::size_t(own.values());
  const std::size_t share = (candidates.size() + ranks - 1) / ranks;  // all_gather wants the same of everyone
  const std::size_t begin = std::min(share * std::size_t(communicator.rank()), candidates.size());
  const std::size_t end = std::min(begin + share, candidates.size());
  std::vector<double> mine = own.measure_some(candidates.subspan(begin, end - begin), wanted);
  mine.resize(share * each);
  std::vector<double> all(share * each * ranks);
  communicator.all_gather(mine.data(), mine.size() * sizeof(double), all.data(), "values");
  all.resize(candidates.size() * each);
  return all;
}

}  // namespace

std::vector<double> ShardedMeasure::measure_some(std::span<const Genes> candidates, std::uint64_t wanted) {
  if (candidates.empty()) return {};  // an empty question would end the search
  Genes flat;
  for (const Genes& genes : candidates) flat.insert(flat.end(), genes.begin(), genes.end());
  communicator_.broadcast_all(flat, kAsk);
  communicator_.broadcast_value(wanted, kAsk);
  return shared_values(own_, candidates, wanted, communicator_);
}

void ShardedMeasure::finish() {
  Genes nothing;
  communicator_.broadcast_all(nothing, kAsk);
}

void serve_measure(PartialMeasure& own, int gene_count, Communicator& communicator) {
  for (;;) {
    Genes flat;
    communicator.broadcast_all(flat, kAsk);
    if (flat.empty()) return;
    std::vector<Genes> candidates;
    for (auto first = flat.begin(); first != flat.end(); first += gene_count)
      candidates.emplace_back(first, first + gene_count);
    std::uint64_t wanted = 0;
    communicator.broadcast_value(wanted, kAsk);
    shared_values(own, candidates, wanted, communicator);
  }
}

// ---- what was measured before

Genes book_key(const NetworkClasses& classes, std::string_view indicator, const Genes& genes) {
  return indicator_info(indicator).needs.weights ? genes : classes.representative(genes);
}

BookedMeasure::BookedMeasure(std::vector<std::string> indicators, PartialMeasure& computed, Measure& quick,
                             ScoreBook& book, MeasureHooks hooks,
                             std::shared_ptr<const NetworkClasses> classes)
    : indicators_(std::move(indicators)),
      computed_(computed),
      quick_(quick),
      book_(book),
      hooks_(std::move(hooks)),
      classes_(std::move(classes)) {
  for (const std::string& name : indicators_)
    if (is_measured(name)) measured_.push_back(name);
}

// Of the measured indicators those that the book does not have.
std::uint64_t BookedMeasure::missing_of(const Genes& genes) const {
  std::uint64_t missing = 0;
  for (std::size_t k = 0; k < measured_.size(); ++k)
    if (!book_.find(measured_[k], book_key(*classes_, measured_[k], genes))) missing |= std::uint64_t{1} << k;
  return missing;
}

// A group of ranks is asked for some candidates at a time, so that it can be stopped, saves, and tells how
// far it is.
void BookedMeasure::compute(const std::vector<Genes>& missing) {
  using Clock = std::chrono::steady_clock;
  constexpr std::size_t kFewest = 4, kMost = 64;  // enough for all workers; seldom enough for ranks
  constexpr std::chrono::seconds kQuick{1}, kSlow{4}, kBetweenSaves{30};
  const Clock::time_point start = Clock::now();
  Clock::time_point saved = start;
  const auto save = [&] {
    if (hooks_.save) hooks_.save(book_);
    saved = Clock::now();
  };
  std::size_t at_a_time = kFewest;
  for (std::size_t first = 0, count = 0; first < missing.size(); first += count) {
    if (hooks_.stops && hooks_.stops()) {
      save();
      throw Interrupted();
    }
    const Clock::time_point begun = Clock::now();
    count = std::min(at_a_time, missing.size() - first);
    const std::span<const Genes> some = std::span(missing).subspan(first, count);
    std::uint64_t wanted = 0;
    for (const Genes& genes : some) wanted |= missing_of(genes);
    std::vector<double> values;
    try {
      values = computed_.measure_some(some, wanted);
    } catch (const Interrupted&) {
      save();
      throw;
    }
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t k = 0; k < measured_.size(); ++k)
        if ((wanted >> k & 1) != 0)
          book_.put(measured_[k], book_key(*classes_, measured_[k], some[i]),
                    values[i * measured_.size() + k]);
    computed_count_ += std::int64_t(count);
    const Clock::duration took = Clock::now() - begun;
    if (took < kQuick) at_a_time = std::min(kMost, at_a_time * 2);
    if (took > kSlow) at_a_time = std::max(kFewest, at_a_time / 2);
    if (Clock::now() - saved > kBetweenSaves) save();
    if (hooks_.progress)
      hooks_.progress({std::int64_t(first + count), std::int64_t(missing.size()),
                       std::chrono::duration<double>(Clock::now() - start).count()});
  }
  if (!missing.empty()) save();
}

std::vector<double> BookedMeasure::measure(std::span<const Genes> candidates) {
  const bool of_weights = std::ranges::any_of(
      measured_, [](const std::string& name) { return indicator_info(name).needs.weights; });
  std::vector<Genes> missing;
  std::set<Genes> asked;
  for (const Genes& genes : candidates) {
    if (missing_of(genes) == 0) continue;
    const Genes one = of_weights ? genes : classes_->representative(genes);
    if (asked.insert(one).second) missing.push_back(one);
  }
  compute(missing);

  const std::vector<double> quick = quick_.measure(candidates);
  auto next_quick = quick.begin();
  std::vector<double> values;
  values.reserve(candidates.size() * indicators_.size());
  for (const Genes& genes : candidates)
    for (const std::string& name : indicators_)
      values.push_back(is_measured(name) ? *book_.find(name, book_key(*classes_, name, genes))
                                         : *next_quick++);
  return values;
}

}  // namespace rlnas
