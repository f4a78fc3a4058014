// Mistakes in files of spaces: a text that is right with one place changed, and what is said of it.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "search/space_file/space.h"
#include "tests/support/errors.h"

namespace rlnas::test {

inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

// The error of usage that reading it as x.json ends with; "" if there is none.
inline std::string mistake(const std::string& text) {
  return error_of(ErrorCode::usage, [&] { space_file::make_space(text, "x.json"); });
}

inline std::string mistake(const char* text, const std::string& from, const std::string& to) {
  return mistake(replaced(text, from, to));
}

}  // namespace rlnas::test
