#include "search/spaces.h"

#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "engine/atomic_file.h"
#include "kernels/check.h"
#include "kernels/nearest_word.h"
#include "ops/network_layout.h"
#include "search/darts/space.h"
#include "search/mobilenet/space.h"
#include "search/nasbench201/space.h"
#include "search/space_file/space.h"

namespace rlnas {
namespace {

constexpr std::string_view kFile = "file:";

// Each is made when it is first asked for: it reads its file.
constexpr std::pair<const char*, const Space& (*)()> kBuiltIn[] = {
    {"nasbench201", nasbench201::space},
    {"darts-cifar", darts::cifar_space},
    {"darts-imagenet", darts::imagenet_space},
    {"mobilenet", mobilenet::space},
};

// Spaces that were read from files; graphs and reports point into them.
struct FileSpaces {
  std::mutex mutex;
  std::vector<std::unique_ptr<Space>> all;
  std::map<std::string, const Space*> by_text;  // nothing is read twice

  const Space* find(const std::string& name) {
    for (const auto& space : all)
      if (name == space->info().name) return space.get();
    return nullptr;
  }
};

FileSpaces& file_spaces() {
  static FileSpaces spaces;
  return spaces;
}

const Space* find_known(const std::string& name) {
  for (const auto& [known, make] : kBuiltIn)
    if (name == known) return &make();
  const std::lock_guard lock(file_spaces().mutex);
  return file_spaces().find(name);
}

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
  static const std::vector<const Space*> spaces = [] {
    std::vector<const Space*> all;
    for (const auto& [name, make] : kBuiltIn) all.push_back(&make());
    return all;
  }();
  return spaces;
}

const Space& default_space() {
  return kBuiltIn[0].second();
}

std::string space_names() {
  std::string names;
  for (const auto& [name, make] : kBuiltIn) names += (names.empty() ? "" : ", ") + std::string(name);
  return names;
}

const char* space_help() {
  static const std::string help = "search space: " + known_spaces() + "; the defaults below are its recipe";
  return help.c_str();
}

std::string known_spaces() {
  return space_names() + ", or file:PATH of one's own";
}

bool is_space(const std::string& name) {
  return find_known(name) != nullptr;
}

const Space& find_space(const std::string& name) {
  if (name.starts_with(kFile)) {
    const std::string path = name.substr(kFile.size());
    return add_file_space(read_file(path), path);
  }
  return find_known_space(name);
}

const Space& find_known_space(const std::string& name) {
  if (const Space* space = find_known(name)) return *space;
  std::vector<std::string> known;
  for (const auto& [built_in, make] : kBuiltIn) known.emplace_back(built_in);
  fail(ErrorCode::usage, "--space: '", name, "' is not one of ", known_spaces(), did_you_mean(name, known));
}

const Space& add_file_space(const std::string& text, const std::string& where) {
  FileSpaces& spaces = file_spaces();
  {
    const std::lock_guard lock(spaces.mutex);
    if (const auto known = spaces.by_text.find(text); known != spaces.by_text.end()) return *known->second;
  }
  std::unique_ptr<Space> space = space_file::make_space(text, where);
  const std::lock_guard lock(spaces.mutex);
  const Space* kept = spaces.find(space->name());
  if (kept == nullptr) kept = spaces.all.emplace_back(std::move(space)).get();
  spaces.by_text.emplace(text, kept);
  return *kept;
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
