// A file that one holder at a time has locked, whether others are in this process or in another one. The
// kernel lets go of it when the holder's process ends, however it ends: a lock of the dead is free.
#pragma once

#include <string>

namespace rlnas {

class FileLock {
 public:
  // Takes the lock or fails at once. `who` begins the messages. Errors: usage, naming the process that holds
  // it; data when the file cannot be made.
  FileLock(std::string path, const std::string& who);
  ~FileLock();  // removes the file
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

  // Why nothing is locked, where a file system has no locks; else "".
  const std::string& obstacle() const { return obstacle_; }

 private:
  std::string path_, obstacle_;
  int descriptor_ = -1;
};

}  // namespace rlnas
