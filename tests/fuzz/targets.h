// Parsers under attack. Each target is a function of any bytes: it has to return, or to throw an rlnas::Error
// that blames the input, and what it read has to hold together. fuzz_main.cpp drives one by libFuzzer,
// replay_test.cpp all of them over the files kept in corpus/ (what they can read) and found/ (what once broke
// them, or passes where a check is wrong by one).
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

namespace rlnas::fuzz {

using Bytes = std::span<const std::uint8_t>;

struct Target {
  const char* name;
  void (*run)(Bytes bytes);
};
extern const std::span<const Target> kTargets;  // all_targets.cpp, file_targets.cpp

// Null where there is none of that name.
const Target* find_target(std::string_view name);
// Ends the process where the target throws what it may not.
void run_target(const Target& target, Bytes bytes);

inline std::string_view text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// What has to hold whatever the input is.
inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

// A directory for the files that a parser is to open; in memory where there is such a place. One a process.
const std::string& scratch_directory();
// Writes one there and returns its path.
std::string scratch_file(const std::string& name, Bytes bytes);

// Several files in one input: each but the last behind its length in two bytes, little-endian.
class Parts {
 public:
  explicit Parts(Bytes bytes) : rest_(bytes) {}
  Bytes next();
  Bytes rest() const { return rest_; }

 private:
  Bytes rest_;
};

}  // namespace rlnas::fuzz
