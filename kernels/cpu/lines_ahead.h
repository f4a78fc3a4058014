// Memory asked for ahead of its use, a few cache lines at a time, while something else is worked on. Nothing
// is read, so that addresses may be anywhere.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace rlnas {

inline constexpr std::size_t kLineFloats = 16;

// Lines into the second-level cache, in the order of memory.
template <bool written>
class LinesAhead {
 public:
  LinesAhead(const float* begin, std::size_t from)
      : next_(reinterpret_cast<std::uintptr_t>(begin) + from * sizeof(float)) {}
  void fetch(int lines) {
    constexpr int kSecondLevel = 2;
    for (; lines > 0; --lines, next_ += kLineFloats * sizeof(float))
      __builtin_prefetch(reinterpret_cast<const void*>(next_), written, kSecondLevel);
  }

 private:
  std::uintptr_t next_;
};

struct FloatRange {
  const float* data = nullptr;
  std::size_t count = 0;
};

// The lines of a range in about equal shares.
class RangeAhead {
 public:
  RangeAhead(const FloatRange& range, std::int64_t shares)
      : lines_(range.data, 0),
        left_(int(range.count / kLineFloats)),
        share_(int((left_ + shares - 1) / std::max<std::int64_t>(1, shares))) {}
  void fetch_share() {
    const int lines = std::min(share_, left_);
    lines_.fetch(lines);
    left_ -= lines;
  }

 private:
  LinesAhead<false> lines_;
  int left_, share_;
};

}  // namespace rlnas
