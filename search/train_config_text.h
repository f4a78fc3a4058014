// A TrainConfig as text and back: what run.json and checkpoints say of a run, and what ranks tell each other.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "rlnas/train.hpp"

namespace rlnas {

// An object with a key for every flag of rlnas_train.
nlohmann::ordered_json to_json(const TrainConfig& config);
// The same read back; a flag that it does not have, because the run is of an older version, keeps the default
// of its space. Errors: data, beginning with `where`, for a value that cannot be read.
TrainConfig train_config_of(const nlohmann::ordered_json& json, const std::string& where);

}  // namespace rlnas
