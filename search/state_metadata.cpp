#include "search/state_metadata.h"

#include <array>
#include <charconv>
#include <limits>
#include <string_view>

#include "kernels/check.h"

namespace rlnas {
namespace {

// The shortest text that is read back to the same bits, whatever the locale.
std::string exact(double value) {
  std::array<char, 64> text;
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

// All of `text`, or NaN.
double parse_double(std::string_view text) {
  double sign = 1.0;
  auto format = std::chars_format::general;
  const std::size_t digits = text.starts_with('-') ? 1 : 0;
  if (text.substr(digits).starts_with("0x")) {  // "%a", which older versions wrote
    if (digits == 1) sign = -1.0;
    text.remove_prefix(digits + 2);
    format = std::chars_format::hex;
  }
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, format);
  if (error != std::errc() || end != text.data() + text.size())
    return std::numeric_limits<double>::quiet_NaN();
  return sign * value;
}

}  // namespace

void write_progress(Metadata& metadata, const RunProgress& progress, const DataFingerprint& images,
                    const std::vector<std::uint8_t>& ever_sampled) {
  std::string sampled;
  for (const std::uint8_t flag : ever_sampled) sampled += flag != 0 ? '1' : '0';
  metadata["step"] = std::to_string(progress.step);
  metadata["data_images"] = std::to_string(images.images);
  metadata["data_listing_crc32"] = std::to_string(images.listing);
  metadata["data_crc32"] = std::to_string(images.contents);
  metadata["ever_sampled"] = sampled;
  metadata["epoch_loss_sum"] = exact(progress.epoch_loss_sum);
  metadata["epoch_correct"] = std::to_string(progress.epoch_correct);
  metadata["epoch_images"] = std::to_string(progress.epoch_images);
  metadata["best_top1"] = exact(progress.best_top1);
  metadata["best_step"] = std::to_string(progress.best_step);
}

void write_held_out(Metadata& metadata, const HeldOutProgress& progress) {
  metadata["adam_steps"] = std::to_string(progress.adam_steps);
  metadata["held_out_loss_sum"] = exact(progress.loss_sum);
  metadata["held_out_correct"] = std::to_string(progress.correct);
  metadata["held_out_images"] = std::to_string(progress.images);
}

const std::string& StateMetadata::text(const std::string& key) const {
  const auto it = metadata_.find(key);
  RLNAS_CHECK(it != metadata_.end(), data, path_, ": not a state to resume from ('", key, "' is missing)");
  return it->second;
}

std::vector<std::uint8_t> StateMetadata::flags(const std::string& key, std::size_t count) const {
  const std::string& digits = text(key);
  RLNAS_CHECK(digits.size() == count, data, path_, ": '", key, "' has a wrong length");
  std::vector<std::uint8_t> flags;
  for (const char digit : digits) {
    RLNAS_CHECK(digit == '0' || digit == '1', data, path_, ": '", key, "' has something else than 0 and 1");
    flags.push_back(digit == '1' ? 1 : 0);
  }
  return flags;
}

std::int64_t StateMetadata::integer(const std::string& key, std::int64_t low, std::int64_t high) const {
  const std::string& digits = text(key);
  const char* const last = digits.data() + digits.size();
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), last, value);
  RLNAS_CHECK(error == std::errc() && end == last && value >= low && value <= high, data, path_, ": '", key,
              "' is '", digits, "', which is not in ", low, "..", high);
  return value;
}

double StateMetadata::number(const std::string& key, double low, double high) const {
  const double value = parse_double(text(key));
  // Written so that NaN fails too.
  RLNAS_CHECK(value >= low && value <= high, data, path_, ": '", key, "' is '", text(key),
              "', which is not in ", low, "..", high);
  return value;
}

std::int64_t StateMetadata::step() const {
  return integer("step", 0, std::numeric_limits<std::int64_t>::max());
}

RunProgress StateMetadata::progress(const RunLimits& limits) const {
  RunProgress progress;
  progress.step = integer("step", 0, limits.steps);
  progress.epoch_loss_sum = number("epoch_loss_sum", 0.0, std::numeric_limits<double>::max());
  progress.epoch_images = integer("epoch_images", 0, limits.images);
  progress.epoch_correct = integer("epoch_correct", 0, progress.epoch_images);
  if (!metadata_.contains("best_top1") && !metadata_.contains("best_step")) return progress;  // an older run
  progress.best_step = integer("best_step", -1, progress.step);
  const bool evaluated = progress.best_step >= 0;
  progress.best_top1 = number("best_top1", evaluated ? 0.0 : -1.0, evaluated ? 1.0 : -1.0);
  return progress;
}

HeldOutProgress StateMetadata::held_out() const {
  constexpr std::int64_t kMost = std::int64_t{1} << 40;
  HeldOutProgress progress;
  progress.adam_steps = integer("adam_steps", 0, kMost);
  progress.loss_sum = number("held_out_loss_sum", 0.0, std::numeric_limits<double>::max());
  progress.images = integer("held_out_images", 0, kMost);
  progress.correct = integer("held_out_correct", 0, progress.images);
  return progress;
}

}  // namespace rlnas
