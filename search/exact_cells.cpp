#include "search/exact_cells.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <tuple>
#include <vector>

#include "engine/interruption.h"
#include "kernels/check.h"
#include "search/cell_rule.h"
#include "search/search_space.h"

namespace rlnas {
namespace {

constexpr double kMostTopologies = 20'000, kMostPairs = 1e6;
// Above the rounding of a sum of 17 terms relative to the sum of their sizes.
constexpr double kRounding = 1e-13;
// A gain in cos that is worth bounding all pairs anew.
constexpr double kGain = 1e-12;

using Topology = std::vector<int>;  // its edges, so many for each node

// Calls visit with every choice of `count` edges among first .. last-1, in lexicographic order.
template <class Visit>
void for_each_choice(int first, int last, int count, Topology& chosen, const Visit& visit) {
  if (count == 0) return visit();
  for (int edge = first; edge + count <= last; ++edge) {
    chosen.push_back(edge);
    for_each_choice(edge + 1, last, count - 1, chosen, visit);
    chosen.pop_back();
  }
}

std::vector<Topology> all_topologies(const CellSpec& cell) {
  std::vector<Topology> list{{}};
  for_each_node(cell, [&](int, std::size_t first, std::size_t last) {
    std::vector<Topology> longer;
    for (Topology topology : list)
      for_each_choice(int(first), int(last), cell.edges_per_node, topology,
                      [&] { longer.push_back(topology); });
    list = std::move(longer);
  });
  return list;
}

double topology_count(const CellSpec& cell) {
  double count = 1.0;
  for_each_node(cell, [&](int, std::size_t first, std::size_t last) {
    for (int i = 0; i < cell.edges_per_node; ++i) count *= double(int(last - first) - i) / (i + 1);
  });
  return count;
}

// The choices of one cell once its inputs are fixed.
struct CellChoices {
  Topology topology;
  std::vector<std::vector<ExactOption>>
      groups;  // one for each live edge, an option for each allowed operation
};

// What every bound adds up: D, A, B and costs of one option, the fixed part or a limit, weighted.
struct Form {
  double t = 0.0;  // best cos so far
  double p = 1.0;
  double mu = 0.0;  // of FLOPs

  double norms(const AngleSums& s) const {
    return t > 0.0 ? 0.5 * t * (p * s.norm0_sq + s.norm1_sq / p) : t * std::sqrt(s.norm0_sq * s.norm1_sq);
  }
  double value(const AngleSums& s, double flops) const { return s.dot - norms(s) + mu * flops; }
  double size(const AngleSums& s, double flops) const {
    return std::abs(s.dot) + std::abs(norms(s)) + mu * std::abs(flops);
  }
};

double cos_of(const AngleSums& s) {
  return s.dot / std::sqrt(s.norm0_sq * s.norm1_sq);
}

class PairSearch {
 public:
  PairSearch(const SearchSpace& space, const LargestAngleOptions& options)
      : space_(space),
        options_(options),
        constraint_(space.spec().constraint),
        flops_(space.macs_table()),
        params_(space.params_table()) {
    int first = 0;
    for (const CellSpec& cell : space.space().cells()) {
      const std::size_t kind = specs_.size();
      specs_.push_back({&cell, CellPathTable(cell), first});
      first += int(cell.edges.size());
      for (const Topology& topology : all_topologies(cell))
        cells_[kind].push_back(choices_of(kind, topology));
    }
    // Of a single kind, the other one is nothing at all.
    if (specs_.size() < std::size_t(kPairedCells)) cells_[1].emplace_back();
  }

  LargestAngle run() {
    const AngleSums& fixed = space_.angle_table().fixed;
    p_ = std::sqrt(fixed.norm1_sq / fixed.norm0_sq);
    result_.bound_cos = std::numeric_limits<double>::infinity();
    solved_.assign(cells_[0].size() * cells_[1].size(), 0);
    for (bool improved = true; improved;) {
      improved = false;
      const double t = result_.cos;
      for (const Pair& pair : remaining_pairs()) {
        improved = solve(pair);
        if (improved) break;  // a better t cuts off more: sort again
        if (result_.status != ExactStatus::unproven) continue;
        // The pairs left are only known to have D - t sqrt(A B) >= their bound; this one's is the lowest.
        const double unsolved = t + pair.bound / std::sqrt(fixed.norm0_sq * fixed.norm1_sq);
        result_.bound_cos = std::max(-1.0, std::min(result_.bound_cos, unsolved));
        return result_;
      }
    }
    result_.bound_cos = std::min(result_.bound_cos, result_.cos);
    return result_;
  }

 private:
  struct Pair {
    double bound = 0.0;
    std::size_t first = 0, second = 0;  // topology of either kind
  };
  struct CellBound {
    double value = 0.0, size = 0.0;
  };

  struct Kind {
    const CellSpec* spec;
    CellPathTable paths;
    int first_gene;
  };

  std::vector<int> allowed_ops(std::size_t kind, int edge) const {
    constexpr int kMasked = 32;
    const EdgeChoices& choices = specs_[kind].spec->of(std::size_t(edge));
    std::vector<int> ops;
    for (int op = 0; op < int(choices.ops.size()); ++op)
      if (op != choices.none && (op >= kMasked || (options_.ops[kind] >> op & 1u) != 0)) ops.push_back(op);
    RLNAS_CHECK(!ops.empty(), usage, "exact search: no operation is left for a cell");
    return ops;
  }

  CellChoices choices_of(std::size_t kind, const Topology& topology) const {
    const auto& [spec, paths, first_gene] = specs_[kind];
    CellChoices choices{topology, {}};
    Genes cell;
    for (std::size_t e = 0; e < spec->edges.size(); ++e) cell.push_back(std::int8_t(spec->of(e).none));
    for (const int edge : topology) cell[std::size_t(edge)] = std::int8_t(allowed_ops(kind, edge).front());
    const std::span<const std::uint8_t> multiplicity = paths.multiplicity(cell);
    for (const int edge : topology) {
      const int gene = first_gene + edge;
      std::vector<ExactOption>& group = choices.groups.emplace_back();
      for (const int op : allowed_ops(kind, edge))
        group.push_back({space_.angle_table().choices.at(gene, op).sums(multiplicity[std::size_t(edge)]),
                         {flops_.choices.at(gene, op), params_.choices.at(gene, op)}});
    }
    return choices;
  }

  void take(Genes genes, ExactStatus status) {
    const AngleSums sums = space_.angle_sums(genes);
    result_.status = status;
    result_.genes = std::move(genes);
    result_.cos = cos_of(sums);
    result_.angle_rad = rlnas::angle_rad(sums);
    p_ = std::sqrt(sums.norm1_sq / sums.norm0_sq);
  }
  Genes genes_of(const Pair& pair, const std::vector<int>& choice) const {
    Genes genes;
    std::size_t chosen = 0;
    for (std::size_t kind = 0; kind < specs_.size(); ++kind) {
      const auto& [spec, paths, first_gene] = specs_[kind];
      for (std::size_t e = 0; e < spec->edges.size(); ++e) genes.push_back(std::int8_t(spec->of(e).none));
      for (const int edge : cells_[kind][kind == 0 ? pair.first : pair.second].topology)
        genes[std::size_t(first_gene + edge)] =
            std::int8_t(allowed_ops(kind, edge)[std::size_t(choice[chosen++])]);
    }
    return genes;
  }

  // A lower bound of the cell's part, and the size of the numbers it is made of.
  CellBound bound_of(const CellChoices& cell, const Form& form) const {
    CellBound bound;
    for (const std::vector<ExactOption>& group : cell.groups) {
      double least = std::numeric_limits<double>::infinity(), largest = 0.0;
      for (const ExactOption& option : group) {
        least = std::min(least, form.value(option.sums, double(option.cost[0])));
        largest = std::max(largest, form.size(option.sums, double(option.cost[0])));
      }
      bound.value += least;
      bound.size += largest;
    }
    return bound;
  }
  std::vector<CellBound> bounds_of(std::size_t kind, const Form& form) const {
    std::vector<CellBound> bounds;
    for (const CellChoices& cell : cells_[kind]) bounds.push_back(bound_of(cell, form));
    return bounds;
  }
  double flops_room() const { return double(constraint_.max_macs - flops_.fixed); }

  // FLOPs of the choices that the relaxation under `form` takes.
  double relaxed_flops(const Form& form) const {
    double total = 0.0;
    for (const std::vector<CellChoices>& cells : cells_) {
      double least = std::numeric_limits<double>::infinity(), flops = 0.0;
      for (const CellChoices& cell : cells) {
        double value = 0.0, cost = 0.0;
        for (const std::vector<ExactOption>& group : cell.groups) {
          const auto best =
              std::min_element(group.begin(), group.end(), [&](const ExactOption& a, const ExactOption& b) {
                return form.value(a.sums, double(a.cost[0])) < form.value(b.sums, double(b.cost[0]));
              });
          value += form.value(best->sums, double(best->cost[0]));
          cost += double(best->cost[0]);
        }
        if (value < least) least = value, flops = cost;
      }
      total += flops;
    }
    return total;
  }

  // The mu that makes the bound of all pairs together as high as it gets: any is valid.
  Form with_best_mu(Form form) const {
    if (relaxed_flops(form) <= flops_room()) return form;
    double low = 0.0, high = std::abs(space_.angle_table().fixed.dot) / double(flops_.fixed);
    const auto too_dear = [&](double mu) {
      form.mu = mu;
      return relaxed_flops(form) > flops_room();
    };
    for (int i = 0; i < 60 && too_dear(high); ++i) low = high, high *= 2.0;
    for (int i = 0; i < 20; ++i) {
      const double middle = 0.5 * (low + high);
      (too_dear(middle) ? low : high) = middle;
    }
    form.mu = high;
    return form;
  }

  // The pairs that may hold something better, most promising first.
  std::vector<Pair> remaining_pairs() const {
    const double t = result_.cos;
    std::vector<double> best(solved_.size(), -std::numeric_limits<double>::infinity());
    for (const double shift : {-0.05, -0.02, 0.0, 0.02, 0.05}) {
      const Form form = with_best_mu({t, p_ * std::exp(shift), 0.0});
      const std::vector<CellBound> first = bounds_of(0, form), second = bounds_of(1, form);
      const AngleSums& fixed = space_.angle_table().fixed;
      // mu is 0 where there is no limit, and the room is then not a number to subtract.
      const double limit = form.mu > 0.0 ? form.mu * flops_room() : 0.0;
      const double start = form.value(fixed, 0.0) - limit, start_size = form.size(fixed, 0.0) + limit;
      for (std::size_t n = 0; n < first.size(); ++n) {
        check_interruption();
        for (std::size_t r = 0; r < second.size(); ++r) {
          const double value = start + first[n].value + second[r].value;
          const double size = start_size + first[n].size + second[r].size;
          double& bound = best[n * second.size() + r];
          bound = std::max(bound, value - kRounding * size);
        }
      }
    }
    std::vector<Pair> pairs;
    for (std::size_t i = 0; i < best.size(); ++i) {
      if (solved_[i] == 0 && !(best[i] > 0.0))
        pairs.push_back({best[i], i / cells_[1].size(), i % cells_[1].size()});
    }
    std::sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) {
      return std::tie(a.bound, a.first, a.second) < std::tie(b.bound, b.first, b.second);
    });
    return pairs;
  }

  ExactProblem problem_of(const Pair& pair) const {
    ExactProblem problem{space_.angle_table().fixed,
                         {flops_.fixed, params_.fixed},
                         {constraint_.max_macs, constraint_.max_params},
                         cells_[0][pair.first].groups};
    const std::vector<std::vector<ExactOption>>& second = cells_[1][pair.second].groups;
    problem.groups.insert(problem.groups.end(), second.begin(), second.end());
    return problem;
  }

  // True when the pair holds something clearly better than the best so far.
  bool solve(const Pair& pair) {
    solved_[pair.first * cells_[1].size() + pair.second] = 1;
    ExactOptions options;
    if (result_.status != ExactStatus::infeasible) options.incumbent_cos = result_.cos;
    options.max_nodes = options_.max_nodes - result_.nodes;
    const ExactResult found = minimise_cos(problem_of(pair), options);
    ++result_.pairs_solved;
    result_.nodes += found.nodes;
    result_.bound_cos = std::min(result_.bound_cos, found.bound_cos);
    const bool clearly_better = !found.choice.empty() && !(found.cos > options.incumbent_cos - kGain);
    if (!found.choice.empty()) take(genes_of(pair, found.choice), found.status);
    if (found.status == ExactStatus::unproven) result_.status = found.status;
    return clearly_better && found.status == ExactStatus::optimal;
  }

  const SearchSpace& space_;
  const LargestAngleOptions options_;
  const Constraint constraint_;
  const CountTable &flops_, &params_;
  std::vector<Kind> specs_;
  std::array<std::vector<CellChoices>, kPairedCells> cells_;  // [kind][topology]
  std::vector<char> solved_;                                  // [topology of the first][of the second]
  LargestAngle result_;
  double p_ = 1.0;
};

}  // namespace

bool can_pair_cells(const Space& space) {
  double pairs = 1.0;
  for (const CellSpec& cell : space.cells()) {
    if (cell.edges_per_node == 0 || topology_count(cell) > kMostTopologies) return false;
    pairs *= topology_count(cell);
  }
  return !space.cells().empty() && space.cells().size() <= std::size_t(kPairedCells) && pairs <= kMostPairs;
}

LargestAngle largest_angle(const SearchSpace& space, const LargestAngleOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  LargestAngle result = PairSearch(space, options).run();
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

Optimum exact_of_cells(const SearchSpace& space) {
  const LargestAngle found = largest_angle(space);
  Optimum optimum;
  if (found.status == ExactStatus::infeasible) return optimum;
  optimum.genes = found.genes;
  optimum.proven = found.status == ExactStatus::optimal;
  optimum.bound_rad = std::acos(std::clamp(found.bound_cos, -1.0, 1.0));
  optimum.nodes = found.nodes;
  optimum.seconds = found.seconds;
  return optimum;
}

}  // namespace rlnas
