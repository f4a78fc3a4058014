// Event files that TensorBoard shows: numbers by name and step, appended and flushed as a run goes.
// Source: tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto
#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace rlnas {

// Whether a run goes on, with the events of its earlier parts, or begins in a directory without any.
enum class TensorboardStart { fresh, goes_on };

// Errors: data, naming --tensorboard, for a directory that cannot be made; usage for one with events of ours
// that a fresh run would be drawn over.
void check_tensorboard_directory(const std::string& directory, TensorboardStart start);

class TensorboardLog {
 public:
  using Scalars = std::vector<std::pair<std::string, double>>;

  // Opens a file of its own in `directory`. Events of steps after `step`, which the run goes on from, are cut
  // off the files of its earlier parts, and a TensorBoard that has them on show is told to forget them.
  // Errors: data when one cannot be written.
  TensorboardLog(const std::string& directory, std::int64_t step);

  void write(std::int64_t step, const Scalars& scalars);

 private:
  void append(const std::string& event);

  std::string path_;
  std::ofstream out_;
};

}  // namespace rlnas
