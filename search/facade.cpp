// The parts of rlnas.hpp that are not training.
#include "kernels/backend.h"
#include "rlnas/rlnas.hpp"
#include "search/checkpoint_angles.h"
#include "search/nasbench201/angle_table.h"
#include "search/nasbench201/describe.h"
#include "search/run_directory.h"
#include "search/spaces.h"
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

std::vector<double> angles(const std::string& run_directory, const std::vector<std::string>& architectures) {
  const RunDirectory directory(run_directory);
  const std::unique_ptr<Backend> backend = make_cpu_backend({});
  const CheckpointAngles checkpoint =
      checkpoint_angle_sums(*backend, directory.init_file(), directory.latest_file(), directory.space());
  SpaceSpec spec;
  spec.name = checkpoint.space;
  spec.classes = checkpoint.classes;
  spec.image_size = search_defaults(spec.name).image_size;
  const std::unique_ptr<SearchSpace> space = make_search_space(spec, checkpoint.sums);
  std::vector<double> result;
  result.reserve(architectures.size());
  for (const std::string& text : architectures) result.push_back(space->angle_rad(space->parse(text)));
  return result;
}

Nasbench201Architecture nasbench201_architecture(const std::string& text, int classes, int image_size) {
  using namespace nasbench201;
  const CellDescription d = describe(parse_cell(text), classes, image_size);
  return {to_string(d.cell), d.index,      d.enumeration_index, d.macs,
          d.params,          d.live_paths, d.multiplicity,      d.angle_vector_length};
}

}  // namespace rlnas
