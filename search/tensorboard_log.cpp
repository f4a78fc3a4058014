#include "search/tensorboard_log.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "engine/atomic_file.h"
#include "engine/protobuf.h"
#include "engine/tf_records.h"
#include "kernels/check.h"

namespace rlnas {
namespace {

namespace fs = std::filesystem;

// Fields of the messages.
constexpr int kWallTime = 1, kStep = 2, kFileVersion = 3, kSummary = 5, kSessionLog = 7;
constexpr int kSummaryValue = 1, kTag = 1, kSimpleValue = 2, kStatus = 1;
constexpr std::int64_t kSessionStart = 1;

// TensorBoard reads files with such names, in the order of these. Ours end so that no other is cut.
constexpr std::string_view kPrefix = "events.out.tfevents.", kSuffix = ".rlnas";

std::int64_t unix_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

ProtobufMessage event_at(std::int64_t step) {
  ProtobufMessage event;
  event.add_double(
      kWallTime, std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count());
  event.add_int(kStep, step);
  return event;
}

// Of an event as event_at() begins it.
std::int64_t step_of(std::string_view event) {
  std::uint64_t step = 0;
  std::size_t at = 1 + sizeof(double) + 1;
  for (int shift = 0; at < event.size() && shift < 64; shift += 7, ++at) {
    step |= std::uint64_t(event[at] & 0x7f) << shift;
    if ((event[at] & 0x80) == 0) break;
  }
  return std::int64_t(step);
}

std::vector<std::string> own_files(const std::string& directory) {
  std::vector<std::string> files;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(directory, none)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(kPrefix) && name.ends_with(kSuffix)) files.push_back(entry.path().string());
  }
  std::ranges::sort(files);
  return files;
}

// Steps do not fall within a file, so that what goes is its end.
void cut_after(const std::string& path, std::int64_t step) {
  const std::string text = read_file(path);
  TfRecords records(text);
  std::size_t keep = 0;
  for (auto event = records.next(); event && step_of(*event) <= step; event = records.next())
    keep = records.read();
  std::error_code error;
  if (keep < text.size()) fs::resize_file(path, keep, error);
  RLNAS_CHECK(!error, data, "--tensorboard ", path, ": cannot be cut to step ", step, ": ", error.message());
}

}  // namespace

void check_tensorboard_directory(const std::string& directory, TensorboardStart start) {
  std::error_code error;
  fs::create_directories(directory, error);
  RLNAS_CHECK(fs::is_directory(directory, error), data, "--tensorboard ", directory, ": cannot be made");
  RLNAS_CHECK(start == TensorboardStart::goes_on || own_files(directory).empty(), usage, "--tensorboard ",
              directory, ": holds the events of another run; choose another directory");
}

TensorboardLog::TensorboardLog(const std::string& directory, std::int64_t step) {
  const std::vector<std::string> earlier = own_files(directory);
  for (const std::string& path : earlier) cut_after(path, step);
  // Names of ten digits are in the order of time; two starts within a second differ all the same.
  std::int64_t second = unix_seconds();
  do {
    char digits[24];
    std::snprintf(digits, sizeof digits, "%010lld", static_cast<long long>(second++));
    path_ = (fs::path(directory) / (std::string(kPrefix) + digits + std::string(kSuffix))).string();
  } while (!earlier.empty() && path_ <= earlier.back());
  out_.open(path_, std::ios::binary | std::ios::app);
  ProtobufMessage version = event_at(0);
  version.add(kFileVersion, "brain.Event:2");
  append(version.bytes());
  if (earlier.empty()) return;
  ProtobufMessage restart = event_at(step + 1), start;
  start.add_int(kStatus, kSessionStart);
  restart.add(kSessionLog, start);
  append(restart.bytes());
}

void TensorboardLog::write(std::int64_t step, const Scalars& scalars) {
  ProtobufMessage summary;
  for (const auto& [tag, number] : scalars) {
    ProtobufMessage value;
    value.add(kTag, tag);
    value.add_float(kSimpleValue, float(number));
    summary.add(kSummaryValue, value);
  }
  ProtobufMessage event = event_at(step);
  event.add(kSummary, summary);
  append(event.bytes());
}

void TensorboardLog::append(const std::string& event) {
  out_ << tf_record(event) << std::flush;
  RLNAS_CHECK(out_, data, "--tensorboard ", path_, ": cannot be written (is the disk full?)");
}

}  // namespace rlnas
