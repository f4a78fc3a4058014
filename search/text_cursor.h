// A cursor over the text of an architecture: skips white space between its parts, and fails with the position
// and what it wanted.
#pragma once

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <string>
#include <string_view>

#include "kernels/check.h"

namespace rlnas {

class TextCursor {
 public:
  explicit TextCursor(std::string_view text) : text_(text) {}

  std::size_t position() {
    while (at_ < text_.size() && std::isspace(std::uint8_t(text_[at_]))) ++at_;
    return at_;
  }
  void go_back(std::size_t position) { at_ = position; }
  bool at_end() { return position() == text_.size(); }
  char peek() { return at_end() ? '\0' : text_[at_]; }
  bool take(char wanted) {
    if (peek() != wanted) return false;
    ++at_;
    return true;
  }
  void expect(char wanted, std::string_view where) {
    if (!take(wanted)) fail_here("expected '" + std::string(1, wanted) + "' " + std::string(where));
  }
  // Up to the next white space or one of `ends`; may be empty.
  std::string_view word(std::string_view ends) {
    const std::size_t start = position();
    while (at_ < text_.size() && !std::isspace(std::uint8_t(text_[at_])) &&
           ends.find(text_[at_]) == std::string_view::npos)
      ++at_;
    return text_.substr(start, at_ - start);
  }

  // Errors: usage, both.
  [[noreturn]] void fail_here(const std::string& problem) { fail_at(position(), problem); }
  [[noreturn]] void fail_at(std::size_t at, const std::string& problem) const {
    fail(ErrorCode::usage, "architecture '", text_, "': at character ", at + 1, ": ", problem);
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace rlnas
