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
std::string known_spaces();              // the same, and "file:PATH": what --space takes
const char* space_help();                // of --space
bool is_space(const std::string& name);  // built in, or read from a file before
// name: a built-in space's; file:PATH, which is read; or that of a file's space, "NAME@CRC", which this
// process has read before. Errors: usage for a space that does not exist, naming --space, and for a mistake
// in a file, naming line and field; data for a file that cannot be read. So do all below.
const Space& find_space(const std::string& name);
// The same of a name that a file says: one that names a file is not followed.
const Space& find_known_space(const std::string& name);
// The space that such a text describes, the same as it was when it was read before; kept until the process
// ends. where: what errors begin with.
const Space& add_file_space(const std::string& text, const std::string& where);
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
