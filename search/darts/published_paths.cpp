#include "search/darts/published_paths.h"

#include <limits>
#include <optional>

#include "engine/mt19937.h"
#include "kernels/check.h"

namespace rlnas::darts {

StepPaths published_paths(const Space& space, std::uint64_t seed) {
  RLNAS_CHECK(seed <= std::numeric_limits<std::uint32_t>::max(), usage, "--seed ", seed,
              ": --compat megvii needs a seed below 2^32");
  return [&space, seed](std::int64_t step) {
    Genes path(std::size_t(space.gene_count()));
    std::uint32_t edge_seed = std::uint32_t(seed + std::uint64_t(step) * path.size());
    std::optional<NumpyRandom> random;
    for (std::size_t gene = 0; gene < path.size(); ++gene) {
      random.emplace(edge_seed++);
      path[gene] = std::int8_t(random->randint(std::uint32_t(space.choices(int(gene)))));
    }
    // The generator of the last edge is left over for the repairs.
    space.repair(path, [&](std::uint32_t n) { return random->randint(n); });
    return std::vector<Genes>{std::move(path)};
  };
}

}  // namespace rlnas::darts
