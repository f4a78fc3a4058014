#include "engine/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "kernels/check.h"

namespace rlnas {
namespace {

std::string own_name() {
  std::array<char, 256> host = {};
  ::gethostname(host.data(), host.size() - 1);
  return std::to_string(getpid()) + " on " + host.data();
}

// What the holder wrote into the file: own_name().
std::string holder_of(int descriptor) {
  std::array<char, 512> text = {};
  const ssize_t count = ::pread(descriptor, text.data(), text.size(), 0);
  const std::string name(text.data(), count > 0 ? std::size_t(count) : 0);
  return name.empty() ? "another process" : "process " + name;  // empty: it has just been locked
}

// Whether `path` still is the open file. The holder before may have removed it after it was opened here.
bool is_at(int descriptor, const std::string& path) {
  struct stat open_file = {}, named = {};
  return ::fstat(descriptor, &open_file) == 0 && ::stat(path.c_str(), &named) == 0 &&
         open_file.st_dev == named.st_dev && open_file.st_ino == named.st_ino;
}

}  // namespace

FileLock::FileLock(std::string path, const std::string& who) : path_(std::move(path)) {
  for (;;) {
    descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    RLNAS_CHECK(descriptor_ >= 0, data, who, ": cannot be written: ", std::strerror(errno));
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) {
      if (is_at(descriptor_, path_)) break;
    } else if (errno == EWOULDBLOCK) {
      const std::string holder = holder_of(descriptor_);
      ::close(descriptor_);
      fail(ErrorCode::usage, who, ": in use by ", holder, "; wait until it ends, or choose another");
    } else {
      obstacle_ = std::strerror(errno);
      return;
    }
    ::close(descriptor_);
  }
  const std::string name = own_name();
  // Only for the message to others: on a full disk the lock holds without it.
  if (::ftruncate(descriptor_, 0) != 0 || ::write(descriptor_, name.data(), name.size()) < 0) return;
}

FileLock::~FileLock() {
  ::unlink(path_.c_str());
  ::close(descriptor_);
}

}  // namespace rlnas
