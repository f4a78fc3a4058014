// The parts of rlnas.hpp that are about NAS-Bench-201.
#include "kernels/backend.h"
#include "kernels/check.h"
#include "rlnas/rlnas.hpp"
#include "search/checkpoint_angles.h"
#include "search/nasbench201/space.h"
#include "search/run_directory.h"
#include "search/spaces.h"

namespace rlnas {

std::vector<double> nasbench201_angles(const std::string& run_directory) {
  const Space& plain = nasbench201::space();
  const RunDirectory directory(run_directory);
  const std::unique_ptr<Backend> backend = make_cpu_backend({});
  const CheckpointAngles angles =
      checkpoint_angle_sums(*backend, directory.init_file(), directory.latest_file(), plain.name());
  const std::unique_ptr<SearchSpace> space =
      make_search_space({.name = plain.name(), .classes = angles.classes}, angles.sums);
  std::vector<double> result;
  result.reserve(nasbench201::kSpaceSize);
  for (int i = 0; i < nasbench201::kSpaceSize; ++i) result.push_back(space->angle_rad(genes_at(*space, i)));
  return result;
}

Nasbench201Architecture nasbench201_architecture(const std::string& text, int classes, int image_size) {
  const std::unique_ptr<SearchSpace> space =
      make_search_space({.name = nasbench201::space().name(), .classes = classes, .image_size = image_size});
  const Genes genes = space->parse(text);
  Nasbench201Architecture found{.arch = space->text(genes),
                                .index = space->space().benchmark_index(genes),
                                .enumeration_index = int(enumeration_index(*space, genes)),
                                .macs = space->macs(genes),
                                .params = space->params(genes)};
  const CellPaths paths = space->cell_paths(genes).front();
  found.live_paths = paths.live;
  for (std::size_t edge = 0; edge < paths.edges.size(); ++edge)
    found.multiplicity[edge] = paths.edges[edge].paths;
  found.angle_vector_length = space->angle_vector_length(genes);
  return found;
}

}  // namespace rlnas
