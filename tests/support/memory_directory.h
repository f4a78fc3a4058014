// For tests that write many small files, each of which a disk would be waited for.
#pragma once

#include <stdlib.h>
#include <unistd.h>

namespace rlnas::test {

// Temporary directories of this process and its children lie in memory from here on, where there is such a
// place and nobody has said otherwise.
inline void keep_files_in_memory() {
  if (access("/dev/shm", W_OK) == 0) setenv("TMPDIR", "/dev/shm", 0);
}

}  // namespace rlnas::test
