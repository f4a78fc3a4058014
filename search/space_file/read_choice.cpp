#include "search/space_file/read_choice.h"

#include <algorithm>
#include <charconv>
#include <set>

namespace rlnas::space_file {
namespace {

const std::vector<std::string> kConstants{"none", "pool_kernel", "identity"};  // as in AngleConstant

std::string with_kernel(const std::string& name, int kernel) {
  const std::string side = std::to_string(kernel);
  return name + "_" + side + "x" + side;
}

Choice standard_choice(const Operation& operation) {
  Choice choice;
  choice.name = operation.name;
  choice.operation = &operation;
  choice.constant = operation.constant;
  for (const OperationParameter& parameter : operation.parameters)
    choice.values.push_back(parameter.standard);
  return choice;
}

// 3 of "_3x3"; 0 of what is no such ending.
int side_of(std::string_view ending) {
  int side = 0;
  if (!ending.starts_with('_')) return 0;
  const auto [end, error] = std::from_chars(ending.data() + 1, ending.data() + ending.size(), side);
  return error == std::errc() && with_kernel("", side) == ending ? side : 0;
}

bool takes(const OperationParameter& parameter, int value) {
  return value >= parameter.low && value <= parameter.high && (!parameter.odd || value % 2 == 1);
}

// "inverted_residual_5x5", and where other parameters are not the standard ones "..._expansion3".
std::string name_of(const Operation& operation, const OperationValues& values) {
  std::string name = operation.name;
  const int kernel = operation.parameter("kernel");
  if (kernel >= 0) name = with_kernel(name, values[std::size_t(kernel)]);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const OperationParameter& parameter = operation.parameters[i];
    if (int(i) == kernel || values[i] == parameter.standard) continue;
    name += "_" + std::string(parameter.name);
    name += parameter.words.empty() ? std::to_string(values[i]) : parameter.words[std::size_t(values[i])];
  }
  return name;
}

void check_operation_name(const Field& field, const std::string& name) {
  if (name.empty() || name.size() > kLongestName || name.find_first_of(" \t\n,|[]") != std::string::npos ||
      name.find_first_not_of("0123456789") == std::string::npos)
    field.fail("'" + name + "': a name is no number and has no spaces, commas, bars or brackets");
}

int read_value(const Field& field, const OperationParameter& parameter) {
  if (!parameter.words.empty()) return field.word({parameter.words.begin(), parameter.words.end()});
  const int value = field.integer(parameter.low, parameter.high);
  if (!takes(parameter, value)) field.fail("must be odd, not " + std::to_string(value));
  return value;
}

}  // namespace

std::vector<std::string> ReadChoice::known_names() const {
  std::vector<std::string> names;
  for (const auto& [name, choice] : defined_) names.push_back(name);
  for (const Operation& operation : operations()) {
    if (operation.parameter("kernel") < 0)
      names.push_back(operation.name);
    else
      for (const int side : {1, 3, 5, 7}) names.push_back(with_kernel(operation.name, side));
  }
  return names;
}

Choice ReadChoice::of_name(const Field& field, const std::string& name) const {
  if (const auto found = defined_.find(name); found != defined_.end()) return found->second;
  for (const Operation& operation : operations()) {
    const std::string_view own = operation.name;
    if (!std::string_view(name).starts_with(own)) continue;
    const int kernel = operation.parameter("kernel");
    Choice choice = standard_choice(operation);
    choice.name = name;
    if (kernel < 0 && name == own) return choice;
    const int side = side_of(std::string_view(name).substr(own.size()));
    if (kernel < 0 || side == 0 || !takes(operation.parameters[std::size_t(kernel)], side)) continue;
    choice.values[std::size_t(kernel)] = side;
    return choice;
  }
  const std::string meant = suggestion(name, known_names());
  if (const Operation* operation = find_operation(name))
    field.fail("'" + name + "' needs its kernel: '" + with_kernel(operation->name, 3) + "'");
  std::string known;
  for (const auto& [own, choice] : defined_) known += own + ", ";
  for (const Operation& operation : operations())
    known += operation.name + std::string(operation.parameter("kernel") < 0 ? ", " : "_3x3, ");
  known.resize(known.size() - 2);
  field.fail("unknown operation '" + name + "'" + (meant.empty() ? "; known: " + known : meant));
}

Choice ReadChoice::of_object(const Field& field, const std::vector<std::string>& other_keys) const {
  const Field op = field.at("op");
  const Operation* operation = find_operation(op.text());
  // A family by itself ("conv"), or what a text can say ("conv_3x3").
  Choice choice = operation != nullptr && !defined_.contains(op.text()) ? standard_choice(*operation)
                                                                        : of_name(op, op.text());
  operation = choice.operation;
  std::vector<std::string> known{"op", "name", "constant"};
  known.insert(known.end(), other_keys.begin(), other_keys.end());
  for (const OperationParameter& parameter : operation->parameters) known.push_back(parameter.name);
  field.check_keys(known);
  for (std::size_t i = 0; i < choice.values.size(); ++i)
    if (field.has(operation->parameters[i].name))
      choice.values[i] = read_value(field.at(operation->parameters[i].name), operation->parameters[i]);
  choice.name = field.text_or("name", name_of(*operation, choice.values));
  if (field.has("constant")) choice.constant = AngleConstant(field.at("constant").word(kConstants));
  return choice;
}

void ReadChoice::define(const Field& operations) {
  for (const auto& [name, field] : operations.members()) {
    check_operation_name(field, name);
    Choice choice = field.is_text() ? of_name(field, field.text()) : of_object(field, {});
    choice.name = name;
    defined_[name] = choice;
  }
}

Choice ReadChoice::read(const Field& field, Place place) {
  const std::vector<std::string> others =
      place == Place::layer ? std::vector<std::string>{"channels", "stride", "weights", "older_input"}
                            : std::vector<std::string>{};
  const Choice choice = field.is_text() ? of_name(field, field.text()) : of_object(field, others);
  if (choice.operation->is_none() && place != Place::edge)
    field.fail("'" + choice.name + "' is for edges of cells; where a block can be left out, offer 'skip'");
  check_operation_name(field, choice.name);
  if (place == Place::layer) return choice;
  const Choice& first = named_.try_emplace(choice.name, choice).first->second;
  if (first.operation != choice.operation || first.values != choice.values ||
      first.constant != choice.constant)
    field.fail("'" + choice.name + "' is the name of another operation in this file; give it a 'name'");
  return choice;
}

std::vector<Choice> ReadChoice::read_list(const Field& list, Place place) {
  std::vector<Choice> all;
  std::set<std::string> names;
  for (const Field& one : list.items()) {
    all.push_back(read(one, place));
    if (place == Place::edge && !is_offered(all.back(), 1, 1, 1))
      one.fail("'" + all.back().name + "' changes the shape, which a cell keeps");
    if (!names.insert(all.back().name).second) one.fail("'" + all.back().name + "' is in the list already");
  }
  if (all.empty()) list.fail("needs at least one operation");
  if (all.size() > 100) list.fail("has more than 100 operations");
  return all;
}

}  // namespace rlnas::space_file
