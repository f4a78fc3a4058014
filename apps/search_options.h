// The options of rlnas_search, as they are typed.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

#include "apps/comm_options.h"
#include "apps/field_options.h"
#include "rlnas/search.hpp"

namespace rlnas {

struct SearchOptions {
  search::Options request;  // the search
  FieldOptions choices;     // of the request: to be parsed before it is used
  // Instead of a search, or beside it.
  std::string describe, json, csv;
  std::vector<std::string> exports, compared;
  bool quiet = false;
  CommOptions comm;
};

// `space`: whose published constants are the defaults.
void declare_search_options(CLI::App& app, SearchOptions& options, const std::string& space);

}  // namespace rlnas
