#include "apps/progress_printer.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ostream>

namespace rlnas {
namespace {

std::string describe(const TrainProgress::Mixture& mixture) {
  char text[128] = "";
  if (mixture.moves)
    std::snprintf(text, sizeof(text), "  held out: loss %.4f accuracy %.2f %%", mixture.held_out_loss,
                  100.0 * mixture.held_out_accuracy);
  char entropy[64];
  std::snprintf(entropy, sizeof(entropy), "  entropy %.4f  ", mixture.entropy);
  return text + std::string(entropy) + mixture.genotype;
}

std::string describe(const TrainProgress& p) {
  char text[256];
  std::snprintf(text, sizeof(text),
                "epoch %d/%d  step %lld/%lld  loss %.4f  accuracy %.2f %%  lr %.5f  %.0f img/s  ETA %s",
                p.epoch + 1, p.epochs, static_cast<long long>(p.step), static_cast<long long>(p.steps),
                p.loss, 100.0 * p.accuracy, p.learning_rate, p.images_per_s, duration_text(p.eta_s).c_str());
  std::string line = text;
  if (p.epoch_end && p.mixture) return line + describe(*p.mixture);
  if (p.epoch_end && !p.has_angles) line += "  (stand-alone: no angle)";
  if (p.epoch_end && p.has_angles) {
    std::snprintf(text, sizeof(text), "  angle %.4f (%.4f..%.4f) rad", p.angle_mean_rad, p.angle_min_rad,
                  p.angle_max_rad);
    line += text;
  }
  return line;
}

// Columns of the terminal; a common width where it does not say.
int terminal_width() {
  constexpr int kCommon = 80;
  winsize size{};
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kCommon;
}

}  // namespace

std::string duration_text(double seconds) {
  const auto total = static_cast<long long>(seconds + 0.5);
  char text[48];
  if (total >= 3600)
    std::snprintf(text, sizeof(text), "%lldh%02lldm", total / 3600, total / 60 % 60);
  else
    std::snprintf(text, sizeof(text), "%lldm%02llds", total / 60, total % 60);
  return text;
}

Colours colours_of_environment() {
  const char *const no = std::getenv("NO_COLOR"), *const term = std::getenv("TERM");
  const bool refused = (no != nullptr && *no != '\0') || term == nullptr || std::string(term) == "dumb";
  return refused ? Colours::no : Colours::yes;
}

// Of the whole run; what does not fit the terminal is cut off, or the line could not be taken back.
std::string ProgressPrinter::bar_line(const TrainProgress& p) const {
  constexpr int kCells = 24;
  const double share = p.steps > 0 ? double(p.step) / double(p.steps) : 0.0;
  const int filled = std::clamp(int(share * kCells), 0, kCells);
  char before[64], after[160], angle[48] = "";
  std::snprintf(before, sizeof(before), "epoch %d/%d ", p.epoch + 1, p.epochs);
  if (angle_rad_ >= 0.0) std::snprintf(angle, sizeof(angle), "  angle %.4f rad", angle_rad_);
  std::snprintf(after, sizeof(after), " %3.0f %%  ETA %s  loss %.4f  %.0f img/s%s", 100.0 * share,
                duration_text(p.eta_s).c_str(), p.loss, p.images_per_s, angle);
  const std::string done(std::size_t(filled), '#'), left(std::size_t(kCells - filled), '.');
  const int room = terminal_width() - 1 - int(std::string(before).size()) - kCells;
  const std::string end = std::string(after).substr(0, std::size_t(std::max(0, room)));
  return colours_ == Colours::yes ? before + ("\033[32m" + done + "\033[90m" + left + "\033[0m") + end
                                  : before + done + left + end;
}

void ProgressPrinter::clear_line() {
  if (line_open_) out_ << "\r\033[K";
  line_open_ = false;
}

void ProgressPrinter::log(const std::string& line) {
  if (display_ == Display::quiet) return;
  clear_line();
  out_ << line << std::endl;
}

void ProgressPrinter::progress(const TrainProgress& progress) {
  if (progress.epoch_end && progress.has_angles) angle_rad_ = progress.angle_mean_rad;
  if (progress.epoch_end || (progress.logged && display_ == Display::plain)) {
    log(describe(progress));
    return;
  }
  if (opens_line()) out_ << bar_line(progress) << std::flush;
}

void ProgressPrinter::preparing(const Preparation& now) {
  if (!opens_line()) return;
  out_ << now.what;
  if (now.total > 0) out_ << ' ' << int(100.0 * double(now.done) / double(now.total)) << " %";
  out_ << std::flush;
}

bool ProgressPrinter::opens_line() {
  if (display_ != Display::terminal) return false;
  const auto now = std::chrono::steady_clock::now();
  if (now - last_shown_ < std::chrono::milliseconds(200)) return false;
  last_shown_ = now;
  clear_line();
  line_open_ = true;
  return true;
}

}  // namespace rlnas
