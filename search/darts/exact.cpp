#include "search/darts/exact.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <tuple>
#include <vector>

#include "kernels/check.h"
#include "search/darts/space.h"
#include "search/search_space.h"

namespace rlnas::darts {
namespace {

constexpr std::size_t kLiveEdges = 2 * kNodeCount;
// Above the rounding of a sum of 17 terms relative to the sum of their sizes.
constexpr double kRounding = 1e-13;
// A gain in cos that is worth bounding all pairs anew.
constexpr double kGain = 1e-12;

using Topology = std::array<int, kLiveEdges>;  // its edges, two for each node

std::vector<Topology> all_topologies() {
  std::vector<Topology> list{{}};
  for (int node = kInputCount; node < kAllNodes; ++node) {
    std::vector<Topology> longer;
    for (Topology topology : list)
      for (int low = 0; low < node; ++low)
        for (int high = low + 1; high < node; ++high) {
          const std::size_t at = 2 * std::size_t(node - kInputCount);
          topology[at] = first_edge(node) + low;
          topology[at + 1] = first_edge(node) + high;
          longer.push_back(topology);
        }
    list = std::move(longer);
  }
  return list;
}

// The choices of one cell once its inputs are fixed.
struct CellChoices {
  Topology topology{};
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
        params_(space.params_table()),
        paths_(space.space().cells().front()) {
    for (const unsigned ops : options.ops) {
      RLNAS_CHECK((ops & 0xFEu) != 0, usage, "exact search: no operation is left for a cell");
    }
    for (const Topology& topology : all_topologies()) {
      for (const CellKind kind : {CellKind::normal, CellKind::reduce}) {
        cells_[std::size_t(kind)].push_back(choices_of(kind, topology));
      }
    }
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
    std::size_t normal = 0, reduce = 0;
  };
  struct CellBound {
    double value = 0.0, size = 0.0;
  };

  std::vector<int> allowed_ops(CellKind kind) const {
    std::vector<int> ops;
    for (int op = 1; op < kOpCount; ++op) {
      if (options_.ops[std::size_t(kind)] >> op & 1u) ops.push_back(op);
    }
    return ops;
  }

  CellChoices choices_of(CellKind kind, const Topology& topology) const {
    CellChoices choices{topology, {}};
    Genes cell(kEdgeCount, std::int8_t(Op::none));
    for (const int edge : topology) cell[std::size_t(edge)] = std::int8_t(Op::skip_connect);
    const std::span<const std::uint8_t> multiplicity = paths_.multiplicity(cell);
    for (const int edge : topology) {
      const int gene = int(kind) * kEdgeCount + edge;
      std::vector<ExactOption>& group = choices.groups.emplace_back();
      for (const int op : allowed_ops(kind))
        group.push_back({space_.angle_table().choices.at(gene, op).sums(multiplicity[std::size_t(edge)]),
                         {flops_.choices.at(gene, op), params_.choices.at(gene, op)}});
    }
    return choices;
  }

  void take(const Architecture& architecture, ExactStatus status) {
    const AngleSums sums = space_.angle_sums(genes_of_architecture(architecture));
    result_.status = status;
    result_.architecture = architecture;
    result_.cos = cos_of(sums);
    result_.angle_rad = rlnas::angle_rad(sums);
    p_ = std::sqrt(sums.norm1_sq / sums.norm0_sq);
  }
  Architecture architecture_of(const Pair& pair, const std::vector<int>& choice) const {
    Architecture architecture;
    for (std::size_t i = 0; i < choice.size(); ++i) {
      const CellKind kind = i < kLiveEdges ? CellKind::normal : CellKind::reduce;
      const CellChoices& cell =
          cells_[std::size_t(kind)][kind == CellKind::normal ? pair.normal : pair.reduce];
      Cell& target = kind == CellKind::normal ? architecture.normal : architecture.reduce;
      target.ops[std::size_t(cell.topology[i % kLiveEdges])] = Op(allowed_ops(kind)[std::size_t(choice[i])]);
    }
    return architecture;
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
      const std::vector<CellBound> normal = bounds_of(0, form), reduce = bounds_of(1, form);
      const AngleSums& fixed = space_.angle_table().fixed;
      // mu is 0 where there is no limit, and the room is then not a number to subtract.
      const double limit = form.mu > 0.0 ? form.mu * flops_room() : 0.0;
      const double start = form.value(fixed, 0.0) - limit, start_size = form.size(fixed, 0.0) + limit;
      for (std::size_t n = 0; n < normal.size(); ++n)
        for (std::size_t r = 0; r < reduce.size(); ++r) {
          const double value = start + normal[n].value + reduce[r].value;
          const double size = start_size + normal[n].size + reduce[r].size;
          double& bound = best[n * reduce.size() + r];
          bound = std::max(bound, value - kRounding * size);
        }
    }
    std::vector<Pair> pairs;
    for (std::size_t i = 0; i < best.size(); ++i) {
      if (solved_[i] == 0 && !(best[i] > 0.0))
        pairs.push_back({best[i], i / cells_[1].size(), i % cells_[1].size()});
    }
    std::sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) {
      return std::tie(a.bound, a.normal, a.reduce) < std::tie(b.bound, b.normal, b.reduce);
    });
    return pairs;
  }

  ExactProblem problem_of(const Pair& pair) const {
    ExactProblem problem{space_.angle_table().fixed,
                         {flops_.fixed, params_.fixed},
                         {constraint_.max_macs, constraint_.max_params},
                         cells_[0][pair.normal].groups};
    const std::vector<std::vector<ExactOption>>& reduce = cells_[1][pair.reduce].groups;
    problem.groups.insert(problem.groups.end(), reduce.begin(), reduce.end());
    return problem;
  }

  // True when the pair holds something clearly better than the best so far.
  bool solve(const Pair& pair) {
    solved_[pair.normal * cells_[1].size() + pair.reduce] = 1;
    ExactOptions options;
    if (result_.status != ExactStatus::infeasible) options.incumbent_cos = result_.cos;
    options.max_nodes = options_.max_nodes - result_.nodes;
    const ExactResult found = minimise_cos(problem_of(pair), options);
    ++result_.pairs_solved;
    result_.nodes += found.nodes;
    result_.bound_cos = std::min(result_.bound_cos, found.bound_cos);
    const bool clearly_better = !found.choice.empty() && !(found.cos > options.incumbent_cos - kGain);
    if (!found.choice.empty()) take(architecture_of(pair, found.choice), found.status);
    if (found.status == ExactStatus::unproven) result_.status = found.status;
    return clearly_better && found.status == ExactStatus::optimal;
  }

  const SearchSpace& space_;
  const LargestAngleOptions options_;
  const Constraint constraint_;
  const CountTable &flops_, &params_;
  const CellPathTable paths_;                               // of either cell: their edges are the same
  std::array<std::vector<CellChoices>, kCellKinds> cells_;  // [kind][topology]
  std::vector<char> solved_;                                // [normal topology][reduce topology]
  LargestAngle result_;
  double p_ = 1.0;
};

}  // namespace

LargestAngle largest_angle(const SearchSpace& space, const LargestAngleOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  LargestAngle result = PairSearch(space, options).run();
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace rlnas::darts
