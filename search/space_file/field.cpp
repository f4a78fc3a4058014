#include "search/space_file/field.h"

#include <algorithm>
#include <set>
#include <span>

#include "engine/bounded_json.h"
#include "kernels/check.h"
#include "kernels/nearest_word.h"

namespace rlnas::space_file {
namespace {

// Walks over JSON that is known to be valid, to tell where a value lies.
class Walk {
 public:
  explicit Walk(const std::string& text) : text_(text) {}

  // Character at which the value behind `path` begins; of one that is not there, the last that is.
  std::size_t find(std::span<const std::string> path) {
    skip_space();
    const std::size_t begin = at_;
    if (path.empty() || (peek() != '{' && peek() != '[')) return begin;
    const bool object = text_[at_++] == '{';
    for (int index = 0;; ++index) {
      skip_space();
      if (peek() == '}' || peek() == ']' || at_ >= text_.size()) return begin;
      const std::string key = object ? take_key() : std::to_string(index);
      if (key == path.front()) return find(path.subspan(1));
      skip_value();
      skip_space();
      if (peek() == ',') ++at_;
    }
  }

  // Calls visit(character, name) for every key that its object has already: the parser keeps the last one.
  template <class Visit>
  void for_each_repeated_key(const std::string& name, const Visit& visit) {
    skip_space();
    if (peek() != '{' && peek() != '[') return skip_value();
    const bool object = text_[at_++] == '{';
    std::set<std::string> keys;
    for (int index = 0;; ++index) {
      skip_space();
      if (peek() == '}' || peek() == ']' || at_ >= text_.size()) break;
      std::string below = name + "[" + std::to_string(index) + "]";
      if (object) {
        const std::size_t quote = at_;
        const std::string key = take_key();
        below = (name.empty() ? "" : name + ".") + key;
        if (!keys.insert(key).second) visit(quote, below);
      }
      for_each_repeated_key(below, visit);
      skip_space();
      if (peek() == ',') ++at_;
    }
    ++at_;
  }

 private:
  // Of a member, up to behind its colon.
  std::string take_key() {
    const std::size_t quote = at_;
    skip_value();
    const std::string key = Json::parse(text_.substr(quote, at_ - quote)).get<std::string>();
    skip_space();
    ++at_;  // the colon
    return key;
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_space() {
    while (at_ < text_.size()) {
      if (text_.compare(at_, 2, "//") == 0)
        at_ = std::min(text_.find('\n', at_), text_.size());
      else if (text_.compare(at_, 2, "/*") == 0)
        at_ = std::min(text_.find("*/", at_ + 2), text_.size() - 2) + 2;
      else if (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r')
        ++at_;
      else
        return;
    }
  }
  void skip_value() {
    int depth = 0;
    do {
      skip_space();
      const char c = peek();
      if (c == '"') {
        for (++at_; peek() != '"' && at_ < text_.size(); ++at_)
          if (peek() == '\\') ++at_;
        ++at_;
      } else if (c == '{' || c == '[') {
        ++depth, ++at_;
      } else if (c == '}' || c == ']') {
        --depth, ++at_;
      } else if (c == ',' || c == ':') {
        ++at_;
      } else {
        at_ = std::min(text_.find_first_of(",:]}/ \t\r\n", at_), text_.size());
      }
    } while (depth > 0 && at_ < text_.size());
  }

  const std::string& text_;
  std::size_t at_ = 0;
};

int line_at(const std::string& text, std::size_t character) {
  return 1 + int(std::count(text.begin(), text.begin() + std::ptrdiff_t(character), '\n'));
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

// "conv5" is for "conv_5x5": its letters, with others between them.
bool is_short_for(const std::string& word, const std::string& whole) {
  std::size_t found = 0;
  for (const char c : whole)
    if (found < word.size() && c == word[found]) ++found;
  return found == word.size() && word.size() > 2;
}

// nlohmann's message without its number and name.
std::string plain(std::string message) {
  const std::size_t line = message.find("line ");
  return line == std::string::npos ? message : message.substr(line);
}

}  // namespace

int line_of(const std::string& text, const std::vector<std::string>& path) {
  return line_at(text, Walk(text).find(path));
}

std::string suggestion(const std::string& word, const std::vector<std::string>& known) {
  std::string nearest;
  for (const std::string& one : known)
    if (is_short_for(word, one) && (nearest.empty() || one.size() < nearest.size())) nearest = one;
  return nearest.empty() ? did_you_mean(word, known) : "; did you mean '" + nearest + "'?";
}

void check_name(const Field& field, const std::string& name) {
  constexpr const char* kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
  if (name.empty() || name.size() > kLongestName || name.find_first_not_of(kAllowed) != std::string::npos)
    field.fail("'" + name + "': a name has letters, digits, '_', '-' and '.' alone");
}

Field::Field(const std::string& text, const std::string& where) {
  auto file = std::make_shared<File>(File{text, where, {}});
  try {
    file->json = parse_json<Json>(text, JsonComments::ignored);
  } catch (const Json::exception& error) {  // also a number that no double can hold
    rlnas::fail(ErrorCode::usage, where, ": ", plain(error.what()));
  }
  Walk(text).for_each_repeated_key("", [&](std::size_t at, const std::string& name) {
    rlnas::fail(ErrorCode::usage, where, ": line ", line_at(text, at), ": ", name, ": is here already");
  });
  json_ = &file->json;
  file_ = std::move(file);
}

void Field::fail(const std::string& problem) const {
  rlnas::fail(ErrorCode::usage, file_->where, ": line ", line_of(file_->text, path_), ": ",
              name_.empty() ? "" : name_ + ": ", problem);
}

Field Field::below(const std::string& key, const Json& json, const std::string& name) const {
  std::vector<std::string> path = path_;
  path.push_back(key);
  return {file_, json, std::move(path), name};
}

Field Field::at(const char* key) const {
  if (!json_->is_object()) fail("must be an object { ... }");
  if (!has(key)) fail("'" + std::string(key) + "' is missing");
  return below(key, (*json_)[key], (name_.empty() ? "" : name_ + ".") + key);
}

std::vector<Field> Field::items() const {
  if (!json_->is_array()) fail("must be a list [ ... ]");
  std::vector<Field> all;
  for (std::size_t i = 0; i < json_->size(); ++i)
    all.push_back(below(std::to_string(i), (*json_)[i], name_ + "[" + std::to_string(i) + "]"));
  return all;
}

std::vector<std::pair<std::string, Field>> Field::members() const {
  if (!json_->is_object()) fail("must be an object { ... }");
  std::vector<std::pair<std::string, Field>> all;
  for (const auto& member : json_->items()) all.emplace_back(member.key(), at(member.key().c_str()));
  return all;
}

void Field::check_keys(const std::vector<std::string>& known) const {
  for (const auto& [key, field] : members())
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      const std::string meant = suggestion(key, known);
      field.fail("unknown field '" + key + "'" + (meant.empty() ? "; known: " + joined(known) : meant));
    }
}

std::string Field::text() const {
  if (!json_->is_string()) fail("must be a text in quotes");
  return json_->get<std::string>();
}

int Field::integer(int low, int high) const {
  if (!json_->is_number_integer() || *json_ < low || *json_ > high)
    fail("must be a whole number in " + std::to_string(low) + ".." + std::to_string(high) + ", not " +
         json_->dump());
  return json_->get<int>();
}

double Field::number(double low, double high) const {
  if (!json_->is_number() || *json_ < low || *json_ > high) {
    std::ostringstream range;
    range << low << ".." << high;
    fail("must be a number in " + range.str() + ", not " + json_->dump());
  }
  return json_->get<double>();
}

bool Field::truth() const {
  if (!json_->is_boolean()) fail("must be true or false");
  return json_->get<bool>();
}

int Field::word(const std::vector<std::string>& known) const {
  const auto found = std::find(known.begin(), known.end(), text());
  if (found == known.end()) fail("'" + text() + "' is not one of " + joined(known));
  return int(found - known.begin());
}

}  // namespace rlnas::space_file
