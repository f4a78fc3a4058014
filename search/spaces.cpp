#include "search/spaces.h"

#include <algorithm>
#include <iterator>

#include "kernels/check.h"
#include "search/darts/space.h"
#include "search/darts/supernet.h"
#include "search/darts/training.h"
#include "search/mobilenet/space.h"
#include "search/mobilenet/supernet.h"
#include "search/mobilenet/training.h"
#include "search/nasbench201/space.h"
#include "search/nasbench201/supernet.h"
#include "search/nasbench201/training.h"

namespace rlnas {
namespace {

enum class Name { nasbench201, darts_cifar, darts_imagenet, mobilenet };

struct Entry {
  const char* name;
  const char* title;
  int image_halvings;
};
constexpr Entry kSpaces[] = {{"nasbench201", "NAS-Bench-201", 2},
                             {"darts-cifar", "DARTS CIFAR", 2},
                             {"darts-imagenet", "DARTS ImageNet", 5},
                             {"mobilenet", "MobileNet", 5}};

Name parse_name(const std::string& text) {
  std::string known;
  for (std::size_t i = 0; i < std::size(kSpaces); ++i) {
    if (text == kSpaces[i].name) return Name(i);
    known += (i == 0 ? "" : ", ") + std::string(kSpaces[i].name);
  }
  fail(ErrorCode::usage, "--space: '", text, "' is not one of ", known);
}

darts::Preset preset_of(Name name) {
  return name == Name::darts_cifar ? darts::Preset::cifar : darts::Preset::imagenet;
}

darts::NetworkSpec darts_supernet(Name name, int classes) {
  darts::NetworkSpec spec = darts::published_supernet(preset_of(name));
  spec.classes = classes;
  return spec;
}

std::unique_ptr<SearchSpace> make_darts(Name name, const SpaceSpec& spec, const SegmentTable& segments,
                                        const std::vector<AngleSums>& sums) {
  darts::SpaceSpec darts = darts::SpaceSpec::published(preset_of(name));
  darts.supernet = darts_supernet(name, spec.classes);
  darts.stand_alone.classes = spec.classes;
  darts.stand_alone.image_size = spec.image_size;
  darts.score = spec.score;
  darts.constraint = spec.constraint;
  return std::make_unique<darts::DartsSpace>(
      darts::make_angle_table(segments, sums, darts.supernet, spec.compat), darts);
}

std::unique_ptr<SearchSpace> make_mobilenet(const SpaceSpec& spec, const SegmentTable& segments,
                                            const std::vector<AngleSums>& sums) {
  return std::make_unique<mobilenet::MobilenetSpace>(
      mobilenet::make_angle_table(segments, sums),
      mobilenet::SpaceSpec{spec.classes, spec.image_size, spec.score, spec.constraint});
}

}  // namespace

bool is_space(const std::string& name) {
  return std::any_of(std::begin(kSpaces), std::end(kSpaces), [&](const Entry& e) { return name == e.name; });
}

SearchDefaults search_defaults(const std::string& space) {
  constexpr int kCifarImages = 50000;
  SearchDefaults defaults;
  const Name name = parse_name(space);
  if (name == Name::nasbench201) {
    defaults.evolution.label_draws = kCifarImages;
    return defaults;
  }
  EvolutionOptions& evolution = defaults.evolution;
  evolution.population = 50;
  evolution.top = 10;
  evolution.mutants = evolution.crossovers = 25;
  evolution.seed = 1;
  evolution.label_draws = 0;
  if (name == Name::darts_cifar) return defaults;
  defaults.classes = evolution.label_classes = 1000;
  defaults.image_size = 224;
  constexpr double kDartsMaxMflops = 600.0;
  defaults.max_mflops =
      name == Name::mobilenet ? double(mobilenet::kPublishedMaxFlops) / 1e6 : kDartsMaxMflops;
  return defaults;
}

std::string space_title(const std::string& space) {
  return kSpaces[std::size_t(parse_name(space))].title;
}

int image_halvings(const std::string& space) {
  return kSpaces[std::size_t(parse_name(space))].image_halvings;
}

SegmentTable supernet_segments(const std::string& space, int classes) {
  RLNAS_CHECK(classes > 0, usage, "--classes ", classes, ": must be positive");
  switch (parse_name(space)) {
    case Name::nasbench201:
      break;
    case Name::darts_cifar:
      return darts::supernet_segments(darts::Preset::cifar, classes);
    case Name::darts_imagenet:
      return darts::supernet_segments(darts::Preset::imagenet, classes);
    case Name::mobilenet:
      return mobilenet::supernet_segments(classes);
  }
  return nasbench201::supernet_segments(classes);
}

std::unique_ptr<SearchSpace> make_search_space(const SpaceSpec& spec, const std::vector<AngleSums>& sums) {
  const Name name = parse_name(spec.name);
  const SegmentTable segments = supernet_segments(spec.name, spec.classes);
  switch (name) {
    case Name::nasbench201:
      break;
    case Name::darts_cifar:
    case Name::darts_imagenet:
      return make_darts(name, spec, segments, sums);
    case Name::mobilenet:
      return make_mobilenet(spec, segments, sums);
  }
  return std::make_unique<nasbench201::CellSpace>(nasbench201::make_angle_table(segments, sums), spec);
}

std::unique_ptr<TrainingSpace> make_training_space(const TrainConfig& config, int classes) {
  const Name name = parse_name(config.network.space);
  const Initializer initializer = config.recipe.initializer;
  const Compat compat = config.recipe.compat;
  const bool published = compat == Compat::megvii;
  switch (name) {
    case Name::nasbench201:
      break;
    case Name::darts_cifar:
    case Name::darts_imagenet:
      return std::make_unique<darts::Training>(
          darts_supernet(name, classes), initializer, config.recipe.seed,
          published ? darts::PathSource::numpy : darts::PathSource::philox, compat);
    case Name::mobilenet:
      return std::make_unique<mobilenet::Training>(
          mobilenet::SupernetConfig{.classes = classes, .initializer = initializer}, config.recipe.seed,
          compat);
  }
  return std::make_unique<nasbench201::Training>(
      nasbench201::SupernetConfig{.classes = classes, .initializer = initializer}, config.recipe.seed,
      config.recipe.sampling == PathSampling::per_net ? nasbench201::Sampling::per_net
                                                      : nasbench201::Sampling::per_cell,
      published ? nasbench201::PathSource::python : nasbench201::PathSource::philox);
}

std::unique_ptr<SearchSpace> make_search_space(const SpaceSpec& spec) {
  const int tensors = supernet_segments(spec.name, spec.classes).size();
  return make_search_space(spec, std::vector<AngleSums>(std::size_t(tensors), {1.0, 1.0, 1.0}));
}

}  // namespace rlnas
