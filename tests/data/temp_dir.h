// A directory for the files of one test case, removed at its end; and how errors are looked at.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "kernels/check.h"

namespace rlnas::test {

using Bytes = std::vector<std::uint8_t>;

class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "rlnas_data_XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
    path_ = pattern;
  }
  ~TempDir() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

  // Writes a file, with its folders, and returns its path.
  std::string write(const std::string& name, const Bytes& bytes) const {
    const std::string path = *this / name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), std::streamsize(bytes.size()));
    return path;
  }

 private:
  std::string path_;
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

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
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
