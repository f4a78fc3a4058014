// The search spaces by the name that --space gives them: one place to ask for whatever depends on it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/segment_table.h"
#include "rlnas/rlnas.hpp"
#include "search/search_space.h"
#include "search/training_space.h"

namespace rlnas {

// Published constants of a space's search. Source: method.md 8.1, 9.
struct SearchDefaults {
  EvolutionOptions evolution;  // population, parents, mutants, crossovers, seed, and labels drawn first
  double max_mflops = 0.0;     // 0: no limit
  int classes = 10;
  int image_size = 32;
};

bool is_space(const std::string& name);

// Errors of all below: usage for a space that does not exist, naming --space.

SearchDefaults search_defaults(const std::string& space);

// "NAS-Bench-201", "DARTS CIFAR", ...
std::string space_title(const std::string& space);

// How often the network halves the side of an image, which must divide by two so often.
int image_halvings(const std::string& space);

// The tensors of the published SuperNet under their state-dict names (method.md appendix D).
SegmentTable supernet_segments(const std::string& space, int classes);

// `sums`: the three sums of each of supernet_segments(). Errors: also run_failed for sums that do not fit or
// are not finite; usage for limits that no architecture keeps.
std::unique_ptr<SearchSpace> make_search_space(const SpaceSpec& spec, const std::vector<AngleSums>& sums);

// The same for what needs no weights (names, counts, drawings): all of them count as 1.
std::unique_ptr<SearchSpace> make_search_space(const SpaceSpec& spec);

// The SuperNet and path sampler of config.space.
std::unique_ptr<TrainingSpace> make_training_space(const TrainConfig& config, int classes);

}  // namespace rlnas
