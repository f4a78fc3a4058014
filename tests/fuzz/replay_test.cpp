// What fuzzing has kept, by the ordinary compiler: nothing that once broke a parser does so again, and what
// was worth keeping is read.
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <new>
#include <vector>

#include "rlnas/error.hpp"
#include "tests/fuzz/targets.h"
#include "tests/support/temporary_directory.h"

namespace rlnas::fuzz {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> files_in(const fs::path& directory) {
  std::vector<std::string> files;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(directory, none)) files.push_back(entry.path().string());
  std::ranges::sort(files);
  return files;
}

Bytes bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// Whether it was read; else it was refused.
bool is_read(const Target& target, const std::string& text) {
  try {
    target.run(bytes_of(text));
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

TEST_CASE("every parser reads some of what fuzzing kept, and refuses the rest by an error") {
  for (const Target& target : kTargets) {
    CAPTURE(std::string(target.name));
    const std::vector<std::string> kept = files_in(fs::path(RLNAS_FUZZ_DIR) / "corpus" / target.name);
    int read = 0;
    for (const std::string& file : kept) {
      CAPTURE(file);
      const std::string text = test::read_text(file);
      run_target(target, bytes_of(text));
      read += is_read(target, text) ? 1 : 0;
    }
    CHECK(read > 0);
    CHECK(read <= int(kept.size()));
  }
}

TEST_CASE("what once broke a parser is refused") {
  int count = 0;
  for (const Target& target : kTargets)
    for (const std::string& file : files_in(fs::path(RLNAS_FUZZ_DIR) / "found" / target.name)) {
      CAPTURE(file);
      const std::string text = test::read_text(file);
      run_target(target, bytes_of(text));
      CHECK_FALSE(is_read(target, text));
      ++count;
    }
  CHECK(count > 0);
}

TEST_CASE("files of the corpus, cut at every length and with a bit of every byte turned") {
  for (const Target& target : kTargets)
    for (const std::string& file : files_in(fs::path(RLNAS_FUZZ_DIR) / "corpus" / target.name)) {
      const std::string text = test::read_text(file);
      const std::size_t step = 1 + text.size() / 200;
      for (std::size_t size = 0; size < text.size(); size += step) {
        run_target(target, bytes_of(text.substr(0, size)));
        std::string turned = text;
        turned[size] = char(turned[size] ^ (1 << (size / step % 8)));
        run_target(target, bytes_of(turned));
      }
    }
}

}  // namespace rlnas::fuzz
