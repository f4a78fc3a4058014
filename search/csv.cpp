#include "search/csv.h"

#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "engine/unpacking.h"
#include "kernels/check.h"

namespace rlnas {

// zlib reads plain files as they are.
std::string read_maybe_compressed(const std::string& flag, const std::string& path) {
  const auto close = [](gzFile_s* file) { gzclose(file); };
  const std::unique_ptr<gzFile_s, decltype(close)> file(gzopen(path.c_str(), "rb"), close);
  RLNAS_CHECK(file != nullptr, data, flag, ' ', path, ": cannot be opened");
  std::error_code error;
  const auto packed_bytes = std::filesystem::file_size(path, error);
  const std::uint64_t most_bytes = most_unpacked_bytes(error ? 0 : packed_bytes);
  std::string text;
  std::vector<char> buffer(1 << 16);
  for (;;) {
    const int got = gzread(file.get(), buffer.data(), unsigned(buffer.size()));
    int code = Z_OK;
    gzerror(file.get(), &code);
    RLNAS_CHECK(got >= 0 && code != Z_BUF_ERROR, data, flag, ' ', path,
                ": damaged or truncated, or not a file");
    if (got == 0) return text;
    text.append(buffer.data(), std::size_t(got));
    RLNAS_CHECK(text.size() <= most_bytes, data, flag, ' ', path, ": unpacks to more than ", most_bytes,
                " bytes");
  }
}

std::string decompress(std::span<const unsigned char> gzipped) {
  constexpr int kGzip = 16 + MAX_WBITS;
  z_stream stream{};
  stream.next_in = const_cast<unsigned char*>(gzipped.data());  // which zlib only reads
  stream.avail_in = unsigned(gzipped.size());
  RLNAS_CHECK(inflateInit2(&stream, kGzip) == Z_OK, run_failed, "zlib cannot be used");
  std::string text;
  std::vector<char> buffer(1 << 16);
  int code = Z_OK;
  while (code == Z_OK) {
    stream.next_out = reinterpret_cast<unsigned char*>(buffer.data());
    stream.avail_out = unsigned(buffer.size());
    code = inflate(&stream, Z_NO_FLUSH);
    text.append(buffer.data(), buffer.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  RLNAS_CHECK(code == Z_STREAM_END, run_failed, "a table of the program is damaged");
  return text;
}

bool CsvLines::next(std::string_view& line) {
  while (at_ < text_.size()) {
    const std::size_t end = std::min(text_.find('\n', at_), text_.size());
    line = text_.substr(at_, end - at_);
    at_ = end + 1;
    ++number_;
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (!line.empty()) return true;
  }
  return false;
}

std::vector<std::string_view> split_fields(std::string_view line) {
  std::vector<std::string_view> fields;
  for (std::size_t begin = 0; begin <= line.size();) {
    const bool quoted = begin < line.size() && line[begin] == '"';
    const std::size_t quote = quoted ? line.find('"', begin + 1) : std::string_view::npos;
    const std::size_t from = quote == std::string_view::npos ? begin : quote;
    const std::size_t end = std::min(line.find(',', from), line.size());
    std::string_view field = line.substr(begin, end - begin);
    if (field.size() >= 2 && field.front() == '"' && field.back() == '"')
      field = field.substr(1, field.size() - 2);
    fields.push_back(field);
    begin = end + 1;
  }
  return fields;
}

std::string csv_field(const std::string& text) {
  return text.find(',') == std::string::npos ? text : '"' + text + '"';
}

std::string exact_number(double value) {
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof digits, value).ptr};
}

}  // namespace rlnas
