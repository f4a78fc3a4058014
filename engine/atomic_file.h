// Files that are either the old or the new version, whatever happens in between: written beside the target
// under a name of their own, flushed to disk, renamed over it, and the directory flushed too. Writers of the
// same target do not disturb each other: the last one to commit wins.
#pragma once

#include <string>
#include <string_view>

namespace rlnas {

class AtomicFile {
 public:
  // Errors (all of them): data, naming the path and the system's reason. The target stays as it was.
  explicit AtomicFile(std::string path);
  ~AtomicFile();  // without commit(): removes the temporary file
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, std::size_t bytes);
  void write(std::string_view text) { write(text.data(), text.size()); }
  void commit();

 private:
  std::string path_, temporary_;
  int descriptor_ = -1;
};

// Removes what writers that were killed left in `directory`; what a living process writes stays.
void remove_stale_temporaries(const std::string& directory);

// Whole-file helpers. Errors: data, naming the path.
void write_file_atomically(const std::string& path, std::string_view text);
void copy_file_atomically(const std::string& from, const std::string& to);
std::string read_file(const std::string& path);

}  // namespace rlnas
