// What somebody asks of a search, a person by flags or a program by search::Options, made into a SearchConfig
// and the angles of a SuperNet.
#pragma once

#include <string>
#include <vector>

#include "rlnas/search.hpp"
#include "search/search_run.h"

namespace rlnas {

// The space asked for: by name, or that of the run directory. Errors: those of find_space.
std::string space_of_request(const search::Options& options);

// All but the SuperNet: method, score, limits. Errors: usage, naming the flag.
SearchConfig search_config(const search::Options& options);

// What the search measures, and what it goes on from, is kept in this directory; empty: nowhere.
void keep_in(const std::string& directory, SearchConfig& config);

struct SearchInput {
  SearchConfig config;
  std::vector<AngleSums> sums;  // of supernet_segments(); empty: there is no SuperNet, or no angle of it
};
// Reads the SuperNet, whose space and classes become those of the search, where one is named or the score
// needs one. Errors: also data for its files.
SearchInput search_input(const search::Options& options);

}  // namespace rlnas
