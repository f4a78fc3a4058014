#include "apps/flat_config.h"

#include <istream>

#include "kernels/check.h"

namespace rlnas {
namespace {

constexpr const char* kEmptyList = "[]";  // CLI11's word for the default of an option that takes several

bool is_bare(std::string_view value) {
  constexpr std::string_view kBare = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+.:/";
  return !value.empty() && value.find_first_not_of(kBare) == std::string_view::npos;
}

std::string quote(std::string_view value) {
  if (is_bare(value)) return std::string(value);
  std::string text = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  return text + '"';
}

// Reads the right-hand side of one line.
class ValueReader {
 public:
  ValueReader(std::string_view text, int line) : text_(text), line_(line) {}

  std::vector<std::string> read() {
    std::vector<std::string> values;
    skip_space();
    if (take('[')) {
      for (skip_space(); !take(']'); skip_space()) {
        if (!values.empty()) {
          if (!take(',')) fail_line("expected ',' or ']' in the list");
          skip_space();
        }
        values.push_back(read_scalar());
      }
      if (values.empty()) fail_line("the list is empty; leave the option out");
    } else {
      values.push_back(read_scalar());
    }
    skip_space();
    if (at_ < text_.size() && text_[at_] != '#')
      fail_line("unexpected text after the value; quote values with spaces");
    return values;
  }

 private:
  [[noreturn]] void fail_line(const char* problem) const {
    fail(ErrorCode::usage, "--config: line ", line_, ": ", problem);
  }
  void skip_space() { at_ = std::min(text_.find_first_not_of(" \t", at_), text_.size()); }
  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  std::string read_scalar() {
    std::string value;
    if (take('"')) {
      while (!take('"')) {
        if (at_ < text_.size() && text_[at_] == '\\') ++at_;
        if (at_ >= text_.size()) fail_line("a quoted value is not closed");
        value += text_[at_++];
      }
      return value;
    }
    const std::size_t end = std::min(text_.find_first_of(" \t,]#", at_), text_.size());
    value = text_.substr(at_, end - at_);
    if (value.empty()) fail_line("a value is missing");
    at_ = end;
    return value;
  }

  std::string_view text_;
  int line_;
  std::size_t at_ = 0;
};

}  // namespace

std::string FlatConfig::to_config(const CLI::App* app, bool default_also, bool /*write_description*/,
                                  std::string /*prefix*/) const {
  std::string text;
  for (const CLI::Option* option : app->get_options()) {
    if (!option->get_configurable() || option->get_lnames().empty()) continue;
    std::string value;
    if (option->count() > 0) {
      const std::vector<std::string> results = option->reduced_results();
      for (const std::string& result : results) value += (value.empty() ? "" : ", ") + quote(result);
      if (results.size() > 1) value = "[" + value + "]";
    } else if (default_also) {
      if (option->get_expected_max() == 0) {
        value = "false";
      } else if (!option->get_default_str().empty() && option->get_default_str() != kEmptyList) {
        value = quote(option->get_default_str());
      }
    }
    if (!value.empty()) text += option->get_lnames().front() + " = " + value + "\n";
  }
  return text;
}

std::vector<CLI::ConfigItem> FlatConfig::from_config(std::istream& input) const {
  std::vector<CLI::ConfigItem> read;
  std::string line;
  for (int number = 1; std::getline(input, line); ++number) {
    CLI::detail::trim(line);
    if (line.empty() || line.front() == '#') continue;
    RLNAS_CHECK(line.front() != '[', usage, "--config: line ", number,
                ": sections are not used here: write option = value");
    const std::size_t equals = line.find('=');
    RLNAS_CHECK(equals != std::string::npos && equals > 0, usage, "--config: line ", number,
                ": expected option = value");
    CLI::ConfigItem item;
    item.name = CLI::detail::trim_copy(line.substr(0, equals));
    item.inputs = ValueReader(std::string_view(line).substr(equals + 1), number).read();
    read.push_back(std::move(item));
  }
  return read;
}

}  // namespace rlnas
