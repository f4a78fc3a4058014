// A directory for the files of one test case, removed at its end; and how errors are looked at.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "kernels/check.h"
#include "tests/support/errors.h"
#include "tests/support/temporary_directory.h"

namespace rlnas::test {

using Bytes = std::vector<std::uint8_t>;

class TempDir : public TemporaryDirectory {
 public:
  // Writes a file, with its folders, and returns its path.
  std::string write(const std::string& name, const Bytes& bytes) const {
    const std::string path = *this / name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), std::streamsize(bytes.size()));
    return path;
  }
};

// What `action` threw: "3: message" (the code, then the text), or "no error".
template <class Action>
std::string error_of(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return std::to_string(int(error.code())) + ": " + error.what();
  }
  return "no error";
}

// A clear error: the right code, every expected part, one line.
inline bool is_error(const std::string& text, ErrorCode code, const std::vector<std::string>& parts) {
  if (!text.starts_with(std::to_string(int(code)) + ": ") || contains(text, "\n")) return false;
  for (const std::string& part : parts) {
    if (!contains(text, part)) return false;
  }
  return true;
}

}  // namespace rlnas::test
