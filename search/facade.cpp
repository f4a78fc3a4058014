// The parts of rlnas.hpp that are not training.
#include "kernels/backend.h"
#include "rlnas/rlnas.hpp"
#include "search/checkpoint_angles.h"
#include "search/nasbench201/angle_table.h"
#include "search/nasbench201/describe.h"
#include "search/run_directory.h"
#include "search/version.h"

namespace rlnas {

std::string version() {
  return std::string(kVersion) + " (git " + kGitHash + ")";
}

std::vector<double> nasbench201_angles(const std::string& run_directory) {
  using namespace nasbench201;
  const RunDirectory directory(run_directory);
  const std::unique_ptr<Backend> backend = make_cpu_backend({});
  const CheckpointAngles angles =
      checkpoint_angle_sums(*backend, directory.init_file(), directory.latest_file(), "nasbench201");
  const AngleTable table = make_angle_table(angles.segments, angles.sums);
  std::vector<double> result;
  result.reserve(kSpaceSize);
  for (int i = 0; i < kSpaceSize; ++i) result.push_back(angle_rad(table, cell_at(i)));
  return result;
}

Nasbench201Architecture nasbench201_architecture(const std::string& text, int classes, int image_size) {
  using namespace nasbench201;
  const CellDescription d = describe(parse_cell(text), classes, image_size);
  return {to_string(d.cell), d.index,      d.enumeration_index, d.macs,
          d.params,          d.live_paths, d.multiplicity,      d.angle_vector_length};
}

}  // namespace rlnas
