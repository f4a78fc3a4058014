#include "apps/progress_printer.h"

#include <cstdio>
#include <ostream>

namespace rlnas {
namespace {

std::string duration_text(double seconds) {
  const auto total = static_cast<long long>(seconds + 0.5);
  char text[48];
  if (total >= 3600)
    std::snprintf(text, sizeof(text), "%lldh%02lldm", total / 3600, total / 60 % 60);
  else
    std::snprintf(text, sizeof(text), "%lldm%02llds", total / 60, total % 60);
  return text;
}

std::string describe(const TrainProgress& p) {
  char text[256];
  std::snprintf(text, sizeof(text),
                "epoch %d/%d  step %lld/%lld  loss %.4f  accuracy %.2f %%  lr %.5f  %.0f img/s  ETA %s",
                p.epoch + 1, p.epochs, static_cast<long long>(p.step), static_cast<long long>(p.steps),
                p.loss, 100.0 * p.accuracy, p.learning_rate, p.images_per_s, duration_text(p.eta_s).c_str());
  std::string line = text;
  if (p.epoch_end && !p.has_angles) line += "  (stand-alone: no angle)";
  if (p.epoch_end && p.has_angles) {
    std::snprintf(text, sizeof(text), "  angle %.4f (%.4f..%.4f) rad", p.angle_mean_rad, p.angle_min_rad,
                  p.angle_max_rad);
    line += text;
  }
  return line;
}

}  // namespace

void ProgressPrinter::clear_line() {
  if (line_open_) out_ << "\r\033[K";
  line_open_ = false;
}

void ProgressPrinter::log(const std::string& line) {
  clear_line();
  out_ << line << std::endl;
}

void ProgressPrinter::progress(const TrainProgress& progress) {
  if (progress.epoch_end || (progress.logged && display_ == Display::plain)) {
    log(describe(progress));
    return;
  }
  if (display_ == Display::plain) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - last_shown_ < std::chrono::milliseconds(200)) return;
  last_shown_ = now;
  clear_line();
  out_ << describe(progress) << std::flush;
  line_open_ = true;
}

}  // namespace rlnas
