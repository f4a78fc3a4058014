// JSON that people write by hand, with comments, as it is read: every value knows where it stands, so that
// an error names the line and the field and what may have been meant.
#pragma once

#include <initializer_list>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace rlnas::space_file {

using Json = nlohmann::ordered_json;

// Line, counted from 1, on which the value behind these keys and indices begins. `text`: valid JSON.
int line_of(const std::string& text, const std::vector<std::string>& path);

// " (did you mean 'x'?)" of the nearest of the known words, or nothing.
std::string suggestion(const std::string& word, const std::vector<std::string>& known);

class Field;
inline constexpr std::size_t kLongestName = 200;
// Refuses what no name of a space or a cell may have.
void check_name(const Field& field, const std::string& name);

// All errors are usage: "WHERE: line 12: cells.normal.ops[1]: what is wrong".
class Field {
 public:
  // The whole of a file. where: what errors begin with.
  Field(const std::string& text, const std::string& where);

  bool has(const char* key) const { return json_->is_object() && json_->contains(key); }
  Field at(const char* key) const;  // one that has to be there
  // Of an object or a list: its values; of an object their keys also.
  std::vector<Field> items() const;
  std::vector<std::pair<std::string, Field>> members() const;
  // Refuses keys that are none of these.
  void check_keys(const std::vector<std::string>& known) const;

  bool is_text() const { return json_->is_string(); }
  std::string text() const;
  int integer(int low, int high) const;
  double number(double low, double high) const;
  bool truth() const;
  // Place of a word in a list.
  int word(const std::vector<std::string>& known) const;
  const Json& json() const { return *json_; }

  // What is there, or `standard`.
  int integer_or(const char* key, int standard, int low, int high) const {
    return has(key) ? at(key).integer(low, high) : standard;
  }
  std::string text_or(const char* key, const std::string& standard) const {
    return has(key) ? at(key).text() : standard;
  }

  [[noreturn]] void fail(const std::string& problem) const;

 private:
  struct File {
    std::string text, where;
    Json json;
  };
  Field(std::shared_ptr<const File> file, const Json& json, std::vector<std::string> path, std::string name)
      : file_(std::move(file)), json_(&json), path_(std::move(path)), name_(std::move(name)) {}
  Field below(const std::string& key, const Json& json, const std::string& name) const;

  std::shared_ptr<const File> file_;
  const Json* json_;
  std::vector<std::string> path_;
  std::string name_;  // "cells.normal.ops[1]"
};

}  // namespace rlnas::space_file
