// Tables as text: comma-separated fields, one line a row, plain or gzipped.
#pragma once

#include <charconv>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rlnas {

// Errors: data, naming `flag` and the file, when it cannot be opened or is damaged, or unpacks to more
// than most_unpacked_bytes() of it.
std::string read_maybe_compressed(const std::string& flag, const std::string& path);

// A gzipped text that is part of the program. Errors: run_failed when it is damaged.
std::string decompress(std::span<const unsigned char> gzipped);

// Lines of a text with their numbers, without line ends and blank lines.
class CsvLines {
 public:
  explicit CsvLines(std::string_view text) : text_(text) {}
  bool next(std::string_view& line);
  int number() const { return number_; }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  int number_ = 0;
};

// Splits at commas; a field may be wrapped in double quotes and then hold commas itself.
std::vector<std::string_view> split_fields(std::string_view line);

// The field as the table holds it: quoted where its commas would split it.
std::string csv_field(const std::string& text);

// The whole text is a number.
template <class T>
bool parse_number(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

// The shortest text that reads back to the same bits.
std::string exact_number(double value);

}  // namespace rlnas
