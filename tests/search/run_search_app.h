// rlnas_search called as a function: what it prints, and its exit code.
#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "apps/search_app.h"
#include "tests/support/errors.h"

namespace rlnas::test {

struct SearchOutcome {
  int code = 0;
  std::string out, err;
};

inline SearchOutcome run_search_app(const std::vector<std::string>& arguments) {
  std::vector<const char*> argv{"rlnas_search"};
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  std::ostringstream out, err;
  const int code = search_main(int(argv.size()), argv.data(), out, err);
  return {code, out.str(), err.str()};
}

}  // namespace rlnas::test
