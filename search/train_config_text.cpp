#include "search/train_config_text.h"

#include <nlohmann/json.hpp>
#include <type_traits>

#include "kernels/words.h"
#include "search/train_fields.h"

namespace rlnas {

using Json = nlohmann::ordered_json;

Json to_json(const TrainConfig& config) {
  Json json = Json::object();
  visit_train_fields(
      config, [&](const TrainField& field, const auto& value) { json[field.name] = as_written(value); });
  return json;
}

TrainConfig train_config_of(const Json& json, const std::string& where) {
  const Json space = json.is_object() ? json.value("space", Json()) : Json();
  RLNAS_CHECK(space.is_string() && is_space(space.get<std::string>()), data, where,
              ": its configuration names no search space");
  TrainConfig config = default_train_config(space.get<std::string>());
  visit_train_fields(config, [&](const TrainField& field, auto& value) {
    using Field = std::remove_reference_t<decltype(value)>;
    const auto found = json.find(field.name);
    if (found == json.end()) return;
    try {
      if constexpr (std::is_enum_v<Field>)
        value = parse_word<Field>(std::string("--") + field.name, found->get<std::string>());
      else
        value = found->get<Field>();
    } catch (const std::exception& error) {
      fail(ErrorCode::data, where, ": its configuration of --", field.name,
           " cannot be read: ", error.what());
    }
  });
  return config;
}

}  // namespace rlnas
