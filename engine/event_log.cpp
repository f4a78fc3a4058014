#include "engine/event_log.h"

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "engine/atomic_file.h"
#include "engine/bounded_json.h"
#include "kernels/check.h"

namespace rlnas {

using Json = nlohmann::ordered_json;

EventLog::EventLog(std::string path, std::int64_t keep_up_to_step) : path_(std::move(path)) {
  std::string kept;
  std::error_code none;
  if (std::filesystem::exists(path_, none)) {
    std::istringstream lines(read_file(path_));
    for (std::string line; std::getline(lines, line);) {
      const Json event = parse_json_or_none<Json>(line);  // a killed run may have left half a line
      const Json step = event.is_object() ? event.value("step", Json(0)) : Json();
      if (step.is_number_integer() && step <= keep_up_to_step) kept += line + "\n";
    }
  }
  write_file_atomically(path_, kept);
  out_.open(path_, std::ios::app);
  RLNAS_CHECK(out_, data, path_, ": cannot be written");
}

void EventLog::write(const std::string& event, std::int64_t step, double time_s, const Fields& fields,
                     const Texts& texts) {
  Json line = {{"schema", kSchema}, {"event", event}, {"step", step}, {"time_s", time_s}};
  for (const auto& [key, value] : fields) {
    if (std::abs(value) < 1e15 && value == std::floor(value))
      line[key] = std::int64_t(value);
    else
      line[key] = value;  // NaN and infinity become null
  }
  for (const auto& [key, text] : texts) line[key] = text;
  out_ << line.dump() << std::endl;
  RLNAS_CHECK(out_, data, path_, ": cannot be written (is the disk full?)");
}

}  // namespace rlnas
