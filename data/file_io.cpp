#include "data/file_io.h"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <system_error>

#include "engine/interruption.h"
#include "engine/unpacking.h"
#include "kernels/check.h"

namespace rlnas {
namespace {

std::string error_text(int error) {
  return std::generic_category().message(error);
}

}  // namespace

std::vector<std::uint8_t> read_bytes(const std::string& path) {
  std::error_code error;
  RLNAS_CHECK(!std::filesystem::is_directory(path, error), data, path, ": is a directory, not a file");
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "rb"));
  RLNAS_CHECK(file, data, path, ": cannot be opened: ", error_text(errno));
  const auto expected = std::filesystem::file_size(path, error);
  std::vector<std::uint8_t> bytes(error ? 0 : std::size_t(expected));
  std::size_t filled = 0;
  constexpr std::size_t kPieceBytes = std::size_t{4} << 20;
  // A file may grow or be a pipe: read until the end says so.
  while (true) {
    check_interruption({filled >= kPieceBytes ? "loading" : nullptr, filled, bytes.size()});
    if (filled == bytes.size()) {
      const int next = std::fgetc(file.get());
      if (next == EOF) break;
      bytes.resize(bytes.size() + bytes.size() / 2 + 4096);
      bytes[filled++] = std::uint8_t(next);
    }
    const std::size_t wanted = std::min(bytes.size() - filled, kPieceBytes);
    const std::size_t got = std::fread(bytes.data() + filled, 1, wanted, file.get());
    filled += got;
    if (got == 0) break;
  }
  RLNAS_CHECK(std::ferror(file.get()) == 0, data, path, ": reading failed: ", error_text(errno));
  bytes.resize(filled);
  return bytes;
}

std::vector<std::uint8_t> read_maybe_gzip_file(const std::string& path) {
  std::error_code error;
  RLNAS_CHECK(!std::filesystem::is_directory(path, error), data, path, ": is a directory, not a file");
  struct Close {
    void operator()(gzFile file) const { gzclose_r(file); }
  };
  errno = 0;
  const std::unique_ptr<gzFile_s, Close> file(gzopen(path.c_str(), "rb"));
  RLNAS_CHECK(file, data, path, ": cannot be opened: ", error_text(errno));
  gzbuffer(file.get(), 1u << 17);
  const auto size = std::filesystem::file_size(path, error);
  const std::uint64_t packed_bytes = error ? 0 : size, most_bytes = most_unpacked_bytes(packed_bytes);
  std::vector<std::uint8_t> bytes;
  std::size_t filled = 0;
  while (true) {
    constexpr unsigned kChunkBytes = 1u << 16;
    const auto packed_read = gzoffset(file.get());
    check_interruption({"loading", packed_read > 0 ? std::uint64_t(packed_read) : 0, packed_bytes});
    if (bytes.size() < filled + kChunkBytes) bytes.resize(bytes.size() * 2 + kChunkBytes);
    const int got = gzread(file.get(), bytes.data() + filled, kChunkBytes);
    int code = Z_OK;
    const char* reason = gzerror(file.get(), &code);
    // A stream cut short comes back as its bytes first and Z_BUF_ERROR besides.
    RLNAS_CHECK(got >= 0 && (code == Z_OK || code == Z_STREAM_END), data, path,
                ": truncated or damaged gzip data: ", code == Z_ERRNO ? error_text(errno) : reason);
    if (got == 0) break;
    filled += std::size_t(got);
    RLNAS_CHECK(filled <= most_bytes, data, path, ": unpacks to more than ", most_bytes, " bytes");
  }
  bytes.resize(filled);
  return bytes;
}

void check_directory(const std::string& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  RLNAS_CHECK(std::filesystem::exists(status), data, path, ": no such directory (check --data)");
  RLNAS_CHECK(std::filesystem::is_directory(status), data, path, ": is not a directory (check --data)");
  const std::filesystem::directory_iterator listing(path, error);
  RLNAS_CHECK(!error, data, path, ": cannot be listed: ", error.message());
}

bool file_exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

}  // namespace rlnas
