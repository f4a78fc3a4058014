#include "search/exact.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "engine/interruption.h"
#include "search/exact_scaled.h"

namespace rlnas {
namespace {

constexpr double kLargestMu = 1000.0;  // any value bounds; beyond this one, rounding would show

double cos_of(const ExactTotals& sums) {
  return sums.dot / std::sqrt(sums.norm0 * sums.norm1);
}

struct Multipliers {
  double p = 1.0;
  std::array<double, kExactCosts> mu{};
};

// dot + norm0_weight * norm0 + norm1_weight * norm1 + mu . cost: what a bound sums over options.
struct LinearForm {
  double norm0_weight = 0.0, norm1_weight = 0.0;
  std::array<double, kExactCosts> mu{};

  double operator()(const ExactTotals& o) const {
    return o.dot + norm0_weight * o.norm0 + norm1_weight * o.norm1 + mu[0] * o.cost[0] + mu[1] * o.cost[1];
  }
};

class Solver {
 public:
  Solver(const ExactProblem& problem, const ExactOptions& options)
      : problem_(problem), options_(options), scaled_(scale(problem)), groups_(scaled_.groups) {
    order_.resize(groups_.size());
    std::iota(order_.begin(), order_.end(), 0);
    picked_.resize(groups_.size());
    rank_.resize(groups_.size());
    path_.resize(groups_.size());
    make_suffix_costs();
    best_cos_ = std::min(options.incumbent_cos, 2.0);
  }

  ExactResult run() {
    ExactResult result;
    if (suffix_cost_.empty() || !affordable(problem_.fixed_cost, 0)) return result;
    Multipliers multipliers = search_root();
    order_groups(multipliers);
    visit(0, scaled_.fixed, problem_.fixed_cost, multipliers);
    result.nodes = nodes_;
    const double slack = scaled_.slack / scaled_.smallest_norm;
    result.bound_cos = std::max(-1.0, std::min(best_cos_, abandoned_cos_) - slack);
    if (abandoned_cos_ < best_cos_) {
      result.status = ExactStatus::unproven;
    } else if (best_.empty()) {
      result.status =
          std::isfinite(options_.incumbent_cos) ? ExactStatus::none_better : ExactStatus::infeasible;
    } else {
      result.status = ExactStatus::optimal;
    }
    if (best_.empty()) return result;
    result.choice = best_;
    result.cos = best_cos_;
    result.sums = sums_of(best_);
    result.cost = cost_of(best_);
    return result;
  }

 private:
  void make_suffix_costs() {
    suffix_cost_.assign(groups_.size() + 1, ExactCost{});
    for (std::size_t g = groups_.size(); g-- > 0;) {
      for (std::size_t k = 0; k < kExactCosts; ++k) {
        std::int64_t least = groups_[g].front().cost[k];
        for (const ExactScaledOption& o : groups_[g]) least = std::min(least, o.cost[k]);
        suffix_cost_[g][k] = suffix_cost_[g + 1][k] + least;
      }
    }
  }

  // Whether the cheapest completion of groups depth.. keeps each cap.
  bool affordable(const ExactCost& cost, std::size_t depth) const {
    for (std::size_t k = 0; k < kExactCosts; ++k) {
      if (cost[k] > problem_.max_cost[k] - suffix_cost_[depth][k]) return false;
    }
    return true;
  }

  AngleSums sums_of(const std::vector<int>& choice) const {
    AngleSums sums = problem_.fixed;
    for (std::size_t g = 0; g < choice.size(); ++g) sums += problem_.groups[g][std::size_t(choice[g])].sums;
    return sums;
  }
  ExactCost cost_of(const std::vector<int>& choice) const {
    ExactCost cost = problem_.fixed_cost;
    for (std::size_t g = 0; g < choice.size(); ++g) {
      for (std::size_t k = 0; k < kExactCosts; ++k)
        cost[k] += problem_.groups[g][std::size_t(choice[g])].cost[k];
    }
    return cost;
  }

  // Options path_[0..depth-1], then picked_[depth..], with these sums: the new best if it is better and
  // legal.
  void offer(std::size_t depth, const ExactTotals& sums, const ExactCost& cost) {
    if (!(cos_of(sums) < best_cos_)) return;
    for (std::size_t k = 0; k < kExactCosts; ++k) {
      if (cost[k] > problem_.max_cost[k]) return;
    }
    std::vector<int> choice(groups_.size());
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      choice[std::size_t(order_[g])] = groups_[g][std::size_t(g < depth ? path_[g] : picked_[g])].index;
    }
    const AngleSums exact = sums_of(choice);
    const double cos = exact.dot / std::sqrt(exact.norm0_sq * exact.norm1_sq);
    if (!(cos < best_cos_)) return;
    best_cos_ = cos;
    best_ = std::move(choice);
  }

  // The values that norm1 / norm0 can take below a node, found by Dinkelbach's iteration.
  double extreme_ratio(std::size_t depth, const ExactTotals& prefix, double sign) const {
    double ratio = prefix.norm1 / prefix.norm0;
    for (int i = 0; i < 50; ++i) {
      double norm0 = prefix.norm0, norm1 = prefix.norm1;
      for (std::size_t g = depth; g < groups_.size(); ++g) {
        const ExactTotals* best = &groups_[g].front().sums;
        double best_value = sign * (best->norm1 - ratio * best->norm0);
        for (const ExactScaledOption& o : groups_[g]) {
          const double value = sign * (o.sums.norm1 - ratio * o.sums.norm0);
          if (value > best_value) best_value = value, best = &o.sums;
        }
        norm0 += best->norm0, norm1 += best->norm1;
      }
      const double next = norm1 / norm0;
      if (!(sign * next > sign * ratio)) break;
      ratio = next;
    }
    return ratio;
  }

  LinearForm form_of(std::size_t depth, const ExactTotals& prefix, const Multipliers& m) const {
    LinearForm form{.mu = m.mu};
    if (best_cos_ > 0.0) {
      form.norm0_weight = -0.5 * best_cos_ * m.p;
      form.norm1_weight = -0.5 * best_cos_ / m.p;
    } else {
      const double low = std::sqrt(extreme_ratio(depth, prefix, -1.0));
      const double high = std::sqrt(extreme_ratio(depth, prefix, 1.0));
      form.norm0_weight = -best_cos_ * low * high / (low + high);
      form.norm1_weight = -best_cos_ / (low + high);
    }
    return form;
  }

  double rounding(const Multipliers& m) const {
    return scaled_.rounding * (scaled_.largest_sum + 2.0 * (m.mu[0] + m.mu[1]));
  }

  // Lower bound on D - t sqrt(A B) below a node; `total` becomes the sums of the relaxation's solution, which
  // is offered as an architecture.
  double bound(std::size_t depth, const ExactTotals& prefix, const ExactCost& prefix_cost,
               const Multipliers& m, ExactTotals& total) {
    const LinearForm form = form_of(depth, prefix, m);
    double value = form(prefix) - m.mu[0] * scaled_.cap[0] - m.mu[1] * scaled_.cap[1];
    total = prefix;
    ExactCost cost = prefix_cost;
    for (std::size_t g = depth; g < groups_.size(); ++g) {
      const std::vector<ExactScaledOption>& group = groups_[g];
      std::size_t best = 0;
      double best_value = form(group[0].sums);
      for (std::size_t o = 1; o < group.size(); ++o) {
        const double option_value = form(group[o].sums);
        if (option_value < best_value) best_value = option_value, best = o;
      }
      value += best_value;
      picked_[g] = int(best);
      total += group[best].sums;
      for (std::size_t k = 0; k < kExactCosts; ++k) cost[k] += group[best].cost[k];
    }
    offer(depth, total, cost);
    return value;
  }

  // Raises the bound over p and mu by Polyak's subgradient steps towards the value that would cut the node.
  // Returns the best bound, less its rounding, and leaves the multipliers it was found with in `m`.
  double raise_bound(std::size_t depth, const ExactTotals& prefix, const ExactCost& cost, int steps,
                     Multipliers& m) {
    Multipliers at = m;
    double best = -std::numeric_limits<double>::infinity();
    for (int step = 0; step < steps; ++step) {
      ExactTotals total;
      const double value = bound(depth, prefix, cost, at, total);
      if (value - rounding(at) > best) best = value - rounding(at), m = at;
      if (best >= -scaled_.slack) break;
      const double slope_p = best_cos_ > 0.0 ? -0.5 * best_cos_ * (total.norm0 * at.p - total.norm1 / at.p)
                                             : 0.0;  // d / d log p
      double square = slope_p * slope_p;
      std::array<double, kExactCosts> slope{};
      for (std::size_t k = 0; k < kExactCosts; ++k) {
        if (!scaled_.capped[k]) continue;
        slope[k] = total.cost[k] - scaled_.cap[k];
        if (at.mu[k] <= 0.0 && slope[k] < 0.0) slope[k] = 0.0;
        square += slope[k] * slope[k];
      }
      if (square < 1e-30) break;  // the relaxation is solved
      const double length = -1.1 * value / square;
      if (!(length > 0.0)) break;
      at.p *= std::clamp(1.0 + length * slope_p, 0.5, 2.0);
      at.p = std::clamp(at.p, std::sqrt(scaled_.smallest_norm1), 1.0 / std::sqrt(scaled_.smallest_norm0));
      for (std::size_t k = 0; k < kExactCosts; ++k) {
        if (scaled_.capped[k]) at.mu[k] = std::clamp(at.mu[k] + length * slope[k], 0.0, kLargestMu);
      }
    }
    return best;
  }

  // Good architectures and multipliers before the tree is built: bound, improve by swaps, repeat.
  Multipliers search_root() {
    Multipliers m;
    for (int round = 0; round < 20; ++round) {
      const double before = best_cos_;
      if (raise_bound(0, scaled_.fixed, problem_.fixed_cost, 60, m) >= -scaled_.slack) break;
      improve_by_swaps();
      if (!(best_cos_ < before)) break;
    }
    return m;
  }

  // Replaces one or two options of the best architecture as long as that makes it better.
  void improve_by_swaps();

  // Groups whose choice matters most come first in the tree.
  void order_groups(const Multipliers& m) {
    const LinearForm form = form_of(0, scaled_.fixed, m);
    std::vector<double> spread(groups_.size());
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      double low = form(groups_[g].front().sums), high = low;
      for (const ExactScaledOption& o : groups_[g]) {
        low = std::min(low, form(o.sums));
        high = std::max(high, form(o.sums));
      }
      spread[g] = high - low;
    }
    std::stable_sort(order_.begin(), order_.end(),
                     [&](int a, int b) { return spread[std::size_t(a)] > spread[std::size_t(b)]; });
    std::vector<std::vector<ExactScaledOption>> sorted;
    for (const int g : order_) sorted.push_back(std::move(groups_[std::size_t(g)]));
    groups_ = std::move(sorted);
    make_suffix_costs();
  }

  void visit(std::size_t depth, const ExactTotals& prefix, const ExactCost& cost, Multipliers m) {
    if ((++nodes_ & 0xfff) == 0) check_interruption();
    const double value = raise_bound(depth, prefix, cost, depth == 0 ? 60 : 8, m);
    if (value >= -scaled_.slack || depth == groups_.size()) return;
    if (nodes_ >= options_.max_nodes) {
      abandoned_cos_ = std::min(abandoned_cos_, best_cos_ + value / scaled_.smallest_norm);
      return;
    }
    // Best options first: they lower best_cos_, and once one option's bound cuts it off, so do the rest's.
    const std::vector<ExactScaledOption>& group = groups_[depth];
    const LinearForm form = form_of(depth, prefix, m);
    std::vector<std::pair<double, int>>& ranked = rank_[depth];
    ranked.clear();
    for (std::size_t o = 0; o < group.size(); ++o) ranked.emplace_back(form(group[o].sums), int(o));
    std::sort(ranked.begin(), ranked.end());
    const double least = ranked.front().first;
    for (const auto& [option_value, o] : ranked) {
      if (value + (option_value - least) >= -scaled_.slack) break;
      ExactCost next = cost;
      for (std::size_t k = 0; k < kExactCosts; ++k) next[k] += group[std::size_t(o)].cost[k];
      if (!affordable(next, depth + 1)) continue;
      path_[depth] = o;
      visit(depth + 1, prefix + group[std::size_t(o)].sums, next, m);
    }
  }

  const ExactProblem& problem_;
  const ExactOptions& options_;
  ScaledExactProblem scaled_;
  std::vector<std::vector<ExactScaledOption>>& groups_;  // of scaled_, in the order of the tree
  std::vector<int> order_;                               // place in the tree -> group as given
  std::vector<ExactCost> suffix_cost_;                   // least cost of groups g..

  double best_cos_ = 0.0;
  std::vector<int> best_;  // by group as given
  double abandoned_cos_ = std::numeric_limits<double>::infinity();
  std::int64_t nodes_ = 0;
  std::vector<int> picked_, path_;
  std::vector<std::vector<std::pair<double, int>>> rank_;
};

void Solver::improve_by_swaps() {
  if (best_.empty()) return;
  const std::size_t count = groups_.size();
  const std::vector<std::vector<ExactOption>>& groups = problem_.groups;
  for (bool better = true; better;) {
    better = false;
    const std::vector<int> start = best_;
    const AngleSums sums = sums_of(start);
    const ExactCost cost = cost_of(start);
    const auto try_swap = [&](std::size_t g, std::size_t o, std::size_t h, std::size_t q) {
      const ExactOption &from = groups[g][std::size_t(start[g])], &to = groups[g][o];
      const ExactOption &from2 = groups[h][std::size_t(start[h])], &to2 = groups[h][q];
      const double two = g == h ? 0.0 : 1.0;
      const double dot = sums.dot - from.sums.dot + to.sums.dot + two * (to2.sums.dot - from2.sums.dot);
      const double norm0 = sums.norm0_sq - from.sums.norm0_sq + to.sums.norm0_sq +
                           two * (to2.sums.norm0_sq - from2.sums.norm0_sq);
      const double norm1 = sums.norm1_sq - from.sums.norm1_sq + to.sums.norm1_sq +
                           two * (to2.sums.norm1_sq - from2.sums.norm1_sq);
      if (!(dot < (best_cos_ - 1e-14) * std::sqrt(norm0 * norm1))) return;
      for (std::size_t k = 0; k < kExactCosts; ++k) {
        const std::int64_t second = g == h ? 0 : to2.cost[k] - from2.cost[k];
        if (cost[k] - from.cost[k] + to.cost[k] + second > problem_.max_cost[k]) return;
      }
      best_ = start;
      best_[g] = int(o);
      if (g != h) best_[h] = int(q);
      const AngleSums exact = sums_of(best_);
      best_cos_ = exact.dot / std::sqrt(exact.norm0_sq * exact.norm1_sq);
      better = true;
    };
    for (std::size_t g = 0; g < count; ++g) {
      for (std::size_t o = 0; o < groups[g].size(); ++o) {
        try_swap(g, o, g, o);
        for (std::size_t h = g + 1; h < count; ++h) {
          for (std::size_t q = 0; q < groups[h].size(); ++q) try_swap(g, o, h, q);
        }
      }
    }
  }
}

}  // namespace

ExactResult minimise_cos(const ExactProblem& problem, const ExactOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  ExactResult result = Solver(problem, options).run();
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace rlnas
