// JSON of files that anybody may have written. nlohmann's parser takes any depth, but its values are copied,
// written and compared by recursion: 100 kB of '[' would end the process. None of this project's files is
// deeper than ten levels.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace rlnas {

enum class JsonComments { refused, ignored };

// As Json::parse. Errors: Json::exception, also for what is deeper than kMostJsonLevels.
template <class Json>
Json parse_json(std::string_view text, JsonComments comments = JsonComments::refused) {
  constexpr int kMostJsonLevels = 64;
  const auto shallow = [](int depth, typename Json::parse_event_t, Json&) {
    if (depth > kMostJsonLevels)
      throw Json::out_of_range::create(401, "more than 64 levels of brackets", static_cast<Json*>(nullptr));
    return true;
  };
  return Json::parse(text, shallow, true, comments == JsonComments::ignored);
}

// Likewise; a discarded value for what is not such JSON.
template <class Json>
Json parse_json_or_none(std::string_view text) {
  try {
    return parse_json<Json>(text);
  } catch (const typename Json::exception&) {
    return Json(Json::value_t::discarded);
  }
}

}  // namespace rlnas
