// Whole files into memory, with errors that name the file and what to do about it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rlnas {

// Errors: data, when the file is missing or cannot be read to its end.
std::vector<std::uint8_t> read_bytes(const std::string& path);

// Reads a file that may or may not be gzip-compressed and returns its plain content.
// Errors: data, also for a truncated or damaged gzip stream, and for one that unpacks to more than
// most_unpacked_bytes() of it.
std::vector<std::uint8_t> read_maybe_gzip_file(const std::string& path);

// Errors: data, unless `path` is a directory that can be listed.
void check_directory(const std::string& path);

bool file_exists(const std::string& path);

}  // namespace rlnas
