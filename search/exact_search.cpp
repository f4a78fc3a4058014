#include "search/exact_search.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "engine/interruption.h"
#include "search/exact.h"
#include "search/search_space.h"

namespace rlnas {

Optimum exact_by_enumeration(const SearchSpace& space) {
  constexpr std::int64_t kMostArchitectures = 10'000'000;
  const auto start = std::chrono::steady_clock::now();
  const std::int64_t size = gene_strings(space, kMostArchitectures);
  std::vector<Candidate> legal;  // in order of enumeration
  for (std::int64_t index = 0; index < size; ++index) {
    if ((index & 0xfff) == 0) check_interruption();
    const Genes genes = genes_at(space, index);
    if (space.legal(genes)) legal.push_back({genes, space.angle_rad(genes), space.macs(genes)});
  }
  Optimum optimum{.proven = true, .nodes = std::int64_t(legal.size())};
  if (legal.empty()) return optimum;
  rank_candidates(legal, space.spec().compat);
  optimum.genes = legal.front().genes;
  optimum.bound_rad = legal.front().score;
  optimum.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return optimum;
}

ExactProblem exact_problem(const SearchSpace& space) {
  const CountTable &macs = space.macs_table(), &params = space.params_table();
  const Constraint& limits = space.spec().constraint;
  ExactProblem problem;
  problem.fixed = space.angle_table().fixed;
  problem.fixed_cost = {macs.fixed, params.fixed};
  problem.max_cost = {limits.max_macs, limits.max_params};
  for (int gene = 0; gene < space.gene_count(); ++gene) {
    std::vector<ExactOption>& options = problem.groups.emplace_back();
    for (int op = 0; op < space.choices(gene); ++op)
      options.push_back({space.angle_table().choices.at(gene, op).sums(1),
                         {macs.choices.at(gene, op), params.choices.at(gene, op)}});
  }
  return problem;
}

Optimum exact_of_chain(const SearchSpace& space) {
  const ExactResult found = minimise_cos(exact_problem(space));
  Optimum optimum;
  optimum.genes.assign(found.choice.begin(), found.choice.end());
  optimum.proven = found.status == ExactStatus::optimal;
  optimum.bound_rad = std::acos(std::clamp(found.bound_cos, -1.0, 1.0));
  optimum.nodes = found.nodes;
  optimum.seconds = found.seconds;
  return optimum;
}

}  // namespace rlnas
