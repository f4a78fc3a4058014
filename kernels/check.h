// Throwing rlnas::Error with a message made of parts, and the macro that checks a condition.
#pragma once

#include <sstream>

#include "rlnas/error.hpp"

namespace rlnas {

// Throws Error with the parts streamed together: fail(ErrorCode::data, path, ": truncated").
template <class... Parts>
[[noreturn]] void fail(ErrorCode code, const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  throw Error(code, text.str());
}

}  // namespace rlnas

// RLNAS_CHECK(condition, code, parts...): throws Error when the condition does not hold.
#define RLNAS_CHECK(condition, code, ...)                   \
  do {                                                      \
    if (!(condition)) [[unlikely]]                          \
      ::rlnas::fail(::rlnas::ErrorCode::code, __VA_ARGS__); \
  } while (false)
