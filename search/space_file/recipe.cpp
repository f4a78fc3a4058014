#include "search/space_file/recipe.h"

#include <string_view>
#include <type_traits>

#include "kernels/words.h"
#include "search/recipes.h"
#include "search/train_fields.h"

namespace rlnas::space_file {
namespace {

// What is of a run, not of a recipe.
bool is_of_run(std::string_view key, OnResume on_resume) {
  const bool keeps_epochs = key == "checkpoint-every" || key == "eval-every";
  return key == "space" || key == "arch" || key == "data" || (on_resume == OnResume::free_ && !keeps_epochs);
}

template <class Value>
void read_value(const Field& field, Value& value) {
  try {
    if constexpr (std::is_enum_v<Value>)
      value = parse_word<Value>("", field.text());
    else if constexpr (std::is_same_v<Value, bool>)
      value = field.truth();
    else if constexpr (std::is_floating_point_v<Value>)
      value = field.number(-1e30, 1e30);
    else if constexpr (std::is_integral_v<Value>)
      value = Value(field.integer(-1, 2'000'000'000));
    else
      value = field.text();
  } catch (const Error& error) {
    const std::string_view text = error.what();
    if (!text.starts_with(": ")) throw;
    field.fail(std::string(text.substr(2)));
  }
}

void apply(const Field& recipe, TrainConfig& config) {
  std::vector<std::string> known;
  visit_train_fields(config, [&](const TrainField& field, auto& value) {
    if (is_of_run(field.name, field.on_resume)) return;
    known.push_back(field.name);
    if (recipe.has(field.name)) read_value(recipe.at(field.name), value);
  });
  recipe.check_keys(known);
}

}  // namespace

Recipes read_recipes(const Field& file, int image_size) {
  Recipes recipes{one_path_a_step(), {}};
  recipes.supernet.data.image_size = image_size;
  const bool has_recipe = file.has("recipe");
  if (has_recipe) file.at("recipe").check_keys({"supernet", "retrain"});
  if (has_recipe && file.at("recipe").has("supernet"))
    apply(file.at("recipe").at("supernet"), recipes.supernet);
  recipes.retrain = with_true_labels(recipes.supernet);
  if (has_recipe && file.at("recipe").has("retrain")) apply(file.at("recipe").at("retrain"), recipes.retrain);
  return recipes;
}

}  // namespace rlnas::space_file
