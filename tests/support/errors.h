// How errors and their texts are looked at.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "rlnas/error.hpp"

namespace rlnas::test {

inline bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// What `action` says when it fails, which must be with `code`; "" when it does not fail.
template <class Action>
std::string error_of(ErrorCode code, const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    CHECK(error.code() == code);
    return error.what();
  }
  return "";
}

}  // namespace rlnas::test
