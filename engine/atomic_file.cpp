#include "engine/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "kernels/check.h"

namespace rlnas {

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)), temporary_(path_ + ".tmp") {
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  RLNAS_CHECK(descriptor_ >= 0, data, path_, ": cannot be written: ", std::strerror(errno));
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::write(const void* data, std::size_t bytes) {
  const char* next = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t written = ::write(descriptor_, next, bytes);
    if (written < 0 && errno == EINTR) continue;
    RLNAS_CHECK(written > 0, data, path_, ": cannot be written: ", std::strerror(errno));
    next += written;
    bytes -= std::size_t(written);
  }
}

void AtomicFile::commit() {
  RLNAS_CHECK(::fsync(descriptor_) == 0, data, path_, ": cannot be flushed: ", std::strerror(errno));
  RLNAS_CHECK(std::rename(temporary_.c_str(), path_.c_str()) == 0, data, path_,
              ": cannot be replaced: ", std::strerror(errno));
  ::close(descriptor_);
  descriptor_ = -1;
  const std::filesystem::path parent = std::filesystem::path(path_).parent_path();
  const int directory = ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory >= 0) {
    ::fsync(directory);  // some file systems cannot; the rename itself has happened
    ::close(directory);
  }
}

void write_file_atomically(const std::string& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  RLNAS_CHECK(in && !std::filesystem::is_directory(path), data, path,
              ": cannot be read: ", std::strerror(errno != 0 ? errno : EISDIR));
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  RLNAS_CHECK(!in.bad(), data, path, ": read error");
  return text;
}

}  // namespace rlnas
