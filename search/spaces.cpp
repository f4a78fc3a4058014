#include "search/spaces.h"

#include "kernels/check.h"
#include "ops/network_layout.h"
#include "search/darts/space.h"
#include "search/mobilenet/space.h"
#include "search/nasbench201/space.h"

namespace rlnas {
namespace {

NetworkOptions published_supernet(const Space& space, int classes) {
  return {.classes = classes, .image_size = space.info().search.image_size};
}

std::unique_ptr<SearchSpace> make_search_space(const SpaceSpec& spec, const SegmentTable& segments,
                                               const std::vector<AngleSums>& sums) {
  const Space& space = find_space(spec.name);
  return std::make_unique<SearchSpace>(space, spec, published_supernet(space, spec.classes), segments, sums);
}

}  // namespace

const std::vector<const Space*>& all_spaces() {
  static const std::vector<const Space*> spaces{
      &nasbench201::space(),
      &darts::cifar_space(),
      &darts::imagenet_space(),
      &mobilenet::space(),
  };
  return spaces;
}

const Space& default_space() {
  return *all_spaces().front();
}

std::string space_names() {
  std::string names;
  for (const Space* space : all_spaces()) names += (names.empty() ? "" : ", ") + space->name();
  return names;
}

const char* space_help() {
  static const std::string help = "search space: " + space_names() + "; the defaults below are its recipe";
  return help.c_str();
}

bool is_space(const std::string& name) {
  for (const Space* space : all_spaces())
    if (name == space->info().name) return true;
  return false;
}

const Space& find_space(const std::string& name) {
  for (const Space* space : all_spaces())
    if (name == space->info().name) return *space;
  fail(ErrorCode::usage, "--space: '", name, "' is not one of ", space_names());
}

SegmentTable supernet_segments(const std::string& space, int classes) {
  const Space& found = find_space(space);
  RLNAS_CHECK(classes > 0, usage, "--classes ", classes, ": must be positive");
  return NetworkLayout(found.network(published_supernet(found, classes), {}), Initializer::pytorch)
      .tensors()
      .parameters();
}

std::unique_ptr<SearchSpace> make_search_space(const SpaceSpec& spec, const std::vector<AngleSums>& sums) {
  return make_search_space(spec, supernet_segments(spec.name, spec.classes), sums);
}

std::unique_ptr<SearchSpace> make_search_space(const SpaceSpec& spec) {
  const SegmentTable segments = supernet_segments(spec.name, spec.classes);
  return make_search_space(spec, segments,
                           std::vector<AngleSums>(std::size_t(segments.size()), {1.0, 1.0, 1.0}));
}

}  // namespace rlnas
