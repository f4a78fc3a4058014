// How a training run shows on the screen: on a terminal one line with a bar that renews itself, otherwise
// plain lines; with --quiet nothing.
#pragma once

#include <chrono>
#include <iosfwd>
#include <string>

#include "rlnas/train.hpp"

namespace rlnas {

enum class Display { terminal, plain, quiet };
enum class Colours { no, yes };

// "1h02m", "3m05s".
std::string duration_text(double seconds);

// Of standard output: a terminal's with colours, unless the environment has NO_COLOR or TERM=dumb.
Colours colours_of_environment();

class ProgressPrinter {
 public:
  ProgressPrinter(std::ostream& out, Display display, Colours colours)
      : out_(out), display_(display), colours_(colours) {}

  void log(const std::string& line);
  void progress(const TrainProgress& progress);
  void preparing(const Preparation& now);

 private:
  bool opens_line();  // a new one that renews itself: on a terminal, not too often
  void clear_line();
  std::string bar_line(const TrainProgress& progress) const;

  std::ostream& out_;
  Display display_;
  Colours colours_;
  double angle_rad_ = -1.0;  // mean of the last epoch; below 0: not known
  bool line_open_ = false;
  std::chrono::steady_clock::time_point last_shown_{};
};

}  // namespace rlnas
