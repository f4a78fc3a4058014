// What fuzzing has kept, by the ordinary compiler: nothing that once broke a parser does so again, what was
// worth keeping is read, and for some seconds inputs are made up from it. Of all parsers, or in builds with
// sanitizers also of those below search/ alone, which build in a third of the time: what CI runs.
//
//   RLNAS_FUZZ_SECONDS   for all made-up inputs together; a few in the suite
//   RLNAS_FUZZ_SEED      of them; CI has one for each commit
#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "rlnas/error.hpp"
#include "tests/fuzz/made_up.h"
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

TEST_CASE("what once broke a parser, or would pass where a check is wrong by one, is refused") {
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

// A parser that breaks ends the process: its input is in the working directory then.
TEST_CASE("inputs made up from those that are kept are read, or refused by an error") {
  const char* const seconds_text = std::getenv("RLNAS_FUZZ_SECONDS");
  const char* const seed_text = std::getenv("RLNAS_FUZZ_SEED");
  const double seconds = seconds_text != nullptr ? std::atof(seconds_text) : 4.0;
  const std::uint64_t seed = seed_text != nullptr ? std::strtoull(seed_text, nullptr, 10) : 0;
  using Clock = std::chrono::steady_clock;
  for (const Target& target : kTargets) {
    CAPTURE(std::string(target.name));
    std::vector<std::string> kept;
    for (const char* folder : {"corpus", "found"})
      for (const std::string& file : files_in(fs::path(RLNAS_FUZZ_DIR) / folder / target.name))
        kept.push_back(test::read_text(file));
    const std::string last = std::string("broken_") + target.name;
    const int file = ::open(last.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    REQUIRE(file >= 0);
    const Clock::time_point end =
        Clock::now() + std::chrono::duration_cast<Clock::duration>(
                           std::chrono::duration<double>(seconds / double(kTargets.size())));
    std::uint64_t count = 0;
    for (; Clock::now() < end; ++count) {
      RandomStream random(seed, target.name, count);
      const std::string text = made_up(random, kept);
      REQUIRE(::pwrite(file, text.data(), text.size(), 0) == ssize_t(text.size()));
      REQUIRE(::ftruncate(file, off_t(text.size())) == 0);
      run_target(target, bytes_of(text));
    }
    ::close(file);
    fs::remove(last);
    MESSAGE(std::string(target.name), ": ", count, " inputs");
    CHECK(count > 0);
  }
}

}  // namespace rlnas::fuzz
