// Reading and writing checkpoints in the safetensors format (little-endian F32 tensors and string metadata).
// Writing is atomic: temporary file, fsync, rename, fsync of the directory.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace rlnas {

struct NamedTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<float> data;
};

struct TensorFile {
  std::vector<NamedTensor> tensors;
  std::map<std::string, std::string> metadata;

  const NamedTensor* find(const std::string& name) const;  // null when there is none
};

// Errors: data, naming the file and what is wrong with it (missing, truncated, bad header, checksum
// mismatch).
TensorFile read_safetensors(const std::string& path);

// Adds metadata entries "crc32", over the bytes of all tensors, and "header_crc32", over all the rest, which
// read_safetensors checks and leaves out: no bit of such a file changes unnoticed. It also reads files of
// older versions, which have the first alone, and of others, which have neither.
// Errors: data when the file cannot be written (full disk, no permission); the old file then stays as it was.
void write_safetensors(const std::string& path, const TensorFile& file);

}  // namespace rlnas
