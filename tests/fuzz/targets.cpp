#include "tests/fuzz/targets.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "rlnas/error.hpp"
#include "tests/support/memory_directory.h"
#include "tests/support/temporary_directory.h"

namespace rlnas::fuzz {

const Target* find_target(std::string_view name) {
  const auto found = std::ranges::find(kTargets, name, &Target::name);
  return found == kTargets.end() ? nullptr : &*found;
}

void run_target(const Target& target, Bytes bytes) {
  try {
    target.run(bytes);
  } catch (const Error& error) {
    const bool blames_input = error.code() == ErrorCode::data || error.code() == ErrorCode::usage ||
                              error.code() == ErrorCode::communication;
    if (!blames_input) std::fprintf(stderr, "%s\n", error.what());
    require(blames_input, "a bad input is an error of usage, data or communication");
    require(error.what()[0] != '\0', "an error says what is wrong");
  }
}

const std::string& scratch_directory() {
  // Not removed where a sanitizer ends the process: a few small files.
  static const test::TemporaryDirectory directory = [] {
    test::keep_files_in_memory();
    return test::TemporaryDirectory();
  }();
  return directory.path();
}

std::string scratch_file(const std::string& name, Bytes bytes) {
  const std::string path = scratch_directory() + "/" + name;
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  require(file >= 0 && ::write(file, bytes.data(), bytes.size()) == ssize_t(bytes.size()),
          "a file can be written");
  ::close(file);
  return path;
}

Bytes Parts::next() {
  if (rest_.size() < 2) return {};
  const std::size_t size = std::min<std::size_t>(rest_[0] + 256u * rest_[1], rest_.size() - 2);
  const Bytes part = rest_.subspan(2, size);
  rest_ = rest_.subspan(2 + size);
  return part;
}

}  // namespace rlnas::fuzz
