// Angles of a run, and the version.
#include "kernels/backend.h"
#include "rlnas/search.hpp"
#include "search/checkpoint_angles.h"
#include "search/run_directory.h"
#include "search/spaces.h"
#include "search/version.h"

namespace rlnas {

std::string version() {
  return std::string(kVersion) + " (git " + kGitHash + ")";
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

}  // namespace rlnas
