// How a training run shows on the screen: on a terminal one line that renews itself, otherwise plain lines.
#pragma once

#include <chrono>
#include <iosfwd>

#include "rlnas/rlnas.hpp"

namespace rlnas {

enum class Display { terminal, plain };

class ProgressPrinter {
 public:
  ProgressPrinter(std::ostream& out, Display display) : out_(out), display_(display) {}

  void log(const std::string& line);
  void progress(const TrainProgress& progress);

 private:
  void clear_line();

  std::ostream& out_;
  Display display_;
  bool line_open_ = false;
  std::chrono::steady_clock::time_point last_shown_{};
};

}  // namespace rlnas
