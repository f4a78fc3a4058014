// events.jsonl: one JSON object a line, appended and flushed as a run goes. Every line has "schema", "event",
// "step" and "time_s" (seconds since the run or its resumption began).
#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace rlnas {

class EventLog {
 public:
  static constexpr int kSchema = 1;
  using Fields = std::vector<std::pair<std::string, double>>;
  using Texts = std::vector<std::pair<std::string, std::string>>;

  // Opens `path` for appending. A resumed run passes the step it goes on from: lines of later steps, which
  // the killed run wrote after its last checkpoint, are dropped. Errors: data when it cannot be written.
  EventLog(std::string path, std::int64_t keep_up_to_step);

  // Numbers that are whole are written as integers.
  void write(const std::string& event, std::int64_t step, double time_s, const Fields& fields,
             const Texts& texts = {});

 private:
  std::string path_;
  std::ofstream out_;
};

}  // namespace rlnas
