#include "search/search_space.h"

#include <algorithm>

#include "kernels/check.h"

namespace rlnas {
namespace {

// Of the cheapest architecture. In a cell an edge may be none, or costs nothing at least.
std::int64_t smallest(const CountTable& counts, const Space& space) {
  std::int64_t total = counts.fixed;
  for (int gene = 0; gene < space.gene_count(); ++gene) {
    std::int64_t least = counts.choices.at(gene, 0);
    for (int op = 1; op < space.choices(gene); ++op) least = std::min(least, counts.choices.at(gene, op));
    total += least;
  }
  return total;
}

}  // namespace

SearchSpace::SearchSpace(const Space& space, const SpaceSpec& spec, const NetworkOptions& supernet,
                         const SegmentTable& segments, const std::vector<AngleSums>& sums)
    : space_(space),
      spec_(spec),
      angles_(space, make_angle_table(space, supernet, segments, sums, spec.compat)),
      counts_(stand_alone_counts(space, space.published_stand_alone(spec.classes, spec.image_size))),
      lengths_(length_table(space, supernet, segments)) {
  for (int gene = 0; gene < space.gene_count(); ++gene) choices_.push_back(std::int8_t(space.choices(gene)));
  const std::int64_t macs = smallest(macs_table(), space), params = smallest(params_table(), space);
  RLNAS_CHECK(spec.constraint.max_macs >= macs, usage, "--max-mflops ",
              double(spec.constraint.max_macs) / 1e6, ": the smallest architecture has ", double(macs) / 1e6,
              " MFLOPs");
  RLNAS_CHECK(spec.constraint.max_params >= params, usage, "--max-params ", spec.constraint.max_params,
              ": the smallest architecture has ", params, " parameters");
}

const Genes& SearchSpace::checked(const Genes& genes) const {
  RLNAS_CHECK(genes.size() == choices_.size(), run_failed, "an architecture of ", name(), " has ",
              choices_.size(), " genes, not ", genes.size());
  for (std::size_t gene = 0; gene < genes.size(); ++gene)
    RLNAS_CHECK(genes[gene] >= 0 && genes[gene] < choices_[gene], run_failed, "gene ", gene,
                " is out of range");
  return genes;
}

bool SearchSpace::legal(const Genes& genes) const {
  return space_.valid(genes) && macs(genes) <= spec_.constraint.max_macs &&
         params(genes) <= spec_.constraint.max_params;
}

std::int64_t SearchSpace::angle_vector_length(const Genes& genes) const {
  std::int64_t total = lengths_.fixed;
  const bool lives = angles_.visit_paths(checked(genes), [&](int gene, int paths) {
    total += paths * lengths_.choices.at(gene, genes[std::size_t(gene)]);
  });
  return lives ? total : 0;
}

}  // namespace rlnas
