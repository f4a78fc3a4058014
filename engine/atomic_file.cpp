#include "engine/atomic_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <vector>

#include "kernels/check.h"

namespace rlnas {
namespace {

constexpr std::string_view kMark = ".rlnas-", kEnding = ".tmp";

// TARGET.rlnas-PROCESS-NUMBER.tmp: no two writers of a machine have the same.
std::string temporary_name(const std::string& path) {
  static std::atomic<std::uint64_t> count{0};
  return path + std::string(kMark) + std::to_string(getpid()) + "-" + std::to_string(count++) +
         std::string(kEnding);
}

bool is_temporary_name(std::string_view name) {
  const std::size_t mark = name.rfind(kMark);
  if (mark == std::string_view::npos || !name.ends_with(kEnding)) return false;
  name.remove_prefix(mark + kMark.size());
  name.remove_suffix(kEnding.size());
  return name.find_first_not_of("0123456789-") == std::string_view::npos;
}

// A writer holds a lock on its temporary file, which tells it from those of killed ones. False when somebody
// who took it for one of those, before it was locked, has removed it. Where a file system has no locks nobody
// removes anything.
bool claim(int descriptor) {
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) return errno != EWOULDBLOCK;
  struct stat status = {};
  return ::fstat(descriptor, &status) != 0 || status.st_nlink > 0;
}

class Descriptor {
 public:
  explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
  ~Descriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  operator int() const { return descriptor_; }

 private:
  int descriptor_;
};

// Calls take(bytes, count) with one piece of the file after another.
template <class Take>
void read_pieces(const std::string& path, const Take& take) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  RLNAS_CHECK(file >= 0, data, path, ": cannot be read: ", std::strerror(errno));
  constexpr std::size_t kPieceBytes = std::size_t{1} << 18;
  const auto piece = std::make_unique_for_overwrite<char[]>(kPieceBytes);
  for (;;) {
    const ssize_t count = ::read(file, piece.get(), kPieceBytes);
    if (count < 0 && errno == EINTR) continue;
    RLNAS_CHECK(count >= 0, data, path, ": cannot be read: ", std::strerror(errno));
    if (count == 0) return;
    take(piece.get(), std::size_t(count));
  }
}

}  // namespace

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)) {
  for (;;) {
    temporary_ = temporary_name(path_);
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (descriptor_ < 0 && errno == EEXIST) continue;  // of a process with the same number, killed long ago
    RLNAS_CHECK(descriptor_ >= 0, data, path_, ": cannot be written: ", std::strerror(errno));
    if (claim(descriptor_)) return;
    ::close(descriptor_);
  }
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::unlink(temporary_.c_str());
  ::close(descriptor_);
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
  const Descriptor directory(
      ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory >= 0) ::fsync(directory);  // some file systems cannot; the rename itself has happened
}

void remove_stale_temporaries(const std::string& directory) {
  std::vector<std::string> found;
  std::error_code error;
  const std::filesystem::directory_iterator end;
  for (std::filesystem::directory_iterator it(directory, error); !error && it != end; it.increment(error))
    if (is_temporary_name(it->path().filename().native())) found.push_back(it->path());
  for (const std::string& path : found) {
    const Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
    if (file >= 0 && ::flock(file, LOCK_EX | LOCK_NB) == 0) ::unlink(path.c_str());
  }
}

void write_file_atomically(const std::string& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

void copy_file_atomically(const std::string& from, const std::string& to) {
  AtomicFile file(to);
  read_pieces(from, [&](const char* bytes, std::size_t count) { file.write(bytes, count); });
  file.commit();
}

std::string read_file(const std::string& path) {
  std::string text;
  struct stat status = {};
  if (::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode))
    text.reserve(std::size_t(status.st_size));
  read_pieces(path, [&](const char* bytes, std::size_t count) { text.append(bytes, count); });
  return text;
}

}  // namespace rlnas
