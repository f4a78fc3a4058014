#include "search/mobilenet/space.h"

#include <algorithm>
#include <cmath>

#include "kernels/check.h"

namespace rlnas::mobilenet {
namespace {

std::int64_t smallest(const CountTable& counts) {
  std::int64_t total = counts.fixed;
  for (std::size_t b = 0; b < kBlockCount; ++b) {
    total += *std::min_element(counts.op[b].begin(), counts.op[b].begin() + kBlocks[b].options());
  }
  return total;
}

}  // namespace

MobilenetSpace::MobilenetSpace(const AngleTable& table, const SpaceSpec& spec)
    : table_(table),
      spec_(spec),
      flops_(flops_table(spec.classes, spec.image_size)),
      params_(params_table(spec.classes)),
      lengths_(length_table(spec.classes)) {
  const std::int64_t flops = smallest(flops_), params = smallest(params_);
  RLNAS_CHECK(spec.constraint.max_macs >= flops, usage, "--max-mflops ",
              double(spec.constraint.max_macs) / 1e6, ": the smallest architecture has ", double(flops) / 1e6,
              " MFLOPs");
  RLNAS_CHECK(spec.constraint.max_params >= params, usage, "--max-params ", spec.constraint.max_params,
              ": the smallest architecture has ", params, " parameters");
}

bool MobilenetSpace::legal(const Genes& genes) const {
  const Architecture architecture = architecture_of_genes(genes);
  return flops_.of(architecture) <= spec_.constraint.max_macs &&
         params_.of(architecture) <= spec_.constraint.max_params;
}

double MobilenetSpace::score(const Genes& genes) const {
  return mobilenet::score(table_, architecture_of_genes(genes), spec_.score);
}

std::int64_t MobilenetSpace::macs(const Genes& genes) const {
  return flops_.of(architecture_of_genes(genes));
}

std::string MobilenetSpace::text(const Genes& genes) const {
  return to_string(architecture_of_genes(genes));
}

Genes MobilenetSpace::parse(const std::string& text) const {
  return genes_of_architecture(parse_architecture(text));
}

std::string MobilenetSpace::drawing(const Genes& genes) const {
  return mobilenet::drawing(architecture_of_genes(genes));
}

double MobilenetSpace::angle_rad(const Genes& genes) const {
  return mobilenet::angle_rad(table_, architecture_of_genes(genes));
}

double MobilenetSpace::op_angle_sum(const Genes& genes) const {
  return mobilenet::op_angle_sum(table_, architecture_of_genes(genes));
}

std::int64_t MobilenetSpace::params(const Genes& genes) const {
  return params_.of(architecture_of_genes(genes));
}

std::int64_t MobilenetSpace::angle_vector_length(const Genes& genes) const {
  return lengths_.of(architecture_of_genes(genes));
}

SearchSpace::Optimum MobilenetSpace::exact() const {
  const ExactResult found = minimise_cos(exact_problem());
  Optimum optimum;
  optimum.genes.assign(found.choice.begin(), found.choice.end());
  optimum.proven = found.status == ExactStatus::optimal;
  optimum.bound_rad = std::acos(std::clamp(found.bound_cos, -1.0, 1.0));
  optimum.nodes = found.nodes;
  optimum.seconds = found.seconds;
  return optimum;
}

ExactProblem MobilenetSpace::exact_problem() const {
  ExactProblem problem;
  problem.fixed = table_.fixed;
  problem.fixed_cost = {flops_.fixed, params_.fixed};
  problem.max_cost = {spec_.constraint.max_macs, spec_.constraint.max_params};
  for (std::size_t b = 0; b < kBlockCount; ++b) {
    std::vector<ExactOption>& options = problem.groups.emplace_back();
    for (std::size_t op = 0; op < std::size_t(kBlocks[b].options()); ++op) {
      options.push_back({table_.sums[b][op], {flops_.op[b][op], params_.op[b][op]}});
    }
  }
  return problem;
}

Architecture architecture_of_genes(const Genes& genes) {
  RLNAS_CHECK(genes.size() == kBlockCount, run_failed, "an architecture has ", kBlockCount, " genes, not ",
              genes.size());
  Architecture architecture;
  for (std::size_t b = 0; b < kBlockCount; ++b) {
    RLNAS_CHECK(genes[b] >= 0 && genes[b] < kBlocks[b].options(), run_failed, "gene ", b, " is out of range");
    architecture.ops[b] = Op(genes[b]);
  }
  return architecture;
}

Genes genes_of_architecture(const Architecture& architecture) {
  Genes genes;
  genes.reserve(kBlockCount);
  for (const Op op : architecture.ops) genes.push_back(std::int8_t(op));
  return genes;
}

}  // namespace rlnas::mobilenet
