// The search spaces by the name that --space gives them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "search/search_space.h"
#include "search/space.h"

namespace rlnas {

// All there are; the first is the default.
const std::vector<const Space*>& all_spaces();
// "nasbench201, darts-cifar, ..."
std::string space_names();
const char* space_help();  // of --space
bool is_space(const std::string& name);
// Errors: usage for a space that does not exist, naming --space. So do all below.
const Space& find_space(const std::string& name);
inline const SearchDefaults& search_defaults(const std::string& space) {
  return find_space(space).info().search;
}

// The tensors of the published SuperNet under their state-dict names (method.md appendix D).
SegmentTable supernet_segments(const std::string& space, int classes);

// `sums`: the three sums of each of supernet_segments(). Errors: those of SearchSpace.
std::unique_ptr<SearchSpace> make_search_space(const SpaceSpec& spec, const std::vector<AngleSums>& sums);

// The same for what needs no weights (names, counts, drawings): all of them count as 1.
std::unique_ptr<SearchSpace> make_search_space(const SpaceSpec& spec);

}  // namespace rlnas
