// --tensorboard: what is in the event files, read back frame by frame; TensorBoard's own reader is asked in
// tensorboard_test.py.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/atomic_file.h"
#include "engine/crc32c.h"
#include "engine/tf_records.h"
#include "search/tensorboard_log.h"
#include "tests/support/errors.h"
#include "tests/support/temporary_directory.h"
#include "tests/training/small_run.h"

namespace rlnas {
namespace {

using test::small_run;
using test::TemporaryDirectory;

// Reads the fields of a protobuf message, one after another.
class Fields {
 public:
  explicit Fields(std::string_view message) : rest_(message) {}
  int number = 0;
  std::uint64_t bits = 0;  // of a number
  std::string_view bytes;  // of all else

  bool next() {
    if (rest_.empty()) return false;
    const std::uint64_t key = varint();
    number = int(key >> 3);
    const std::size_t width = (key & 7) == 1 ? 8 : (key & 7) == 5 ? 4 : (key & 7) == 2 ? varint() : 0;
    if ((key & 7) == 0) bits = varint();
    bytes = rest_.substr(0, width);
    REQUIRE(bytes.size() == width);
    rest_.remove_prefix(width);
    return true;
  }

 private:
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      REQUIRE(!rest_.empty());
      const char c = rest_.front();
      rest_.remove_prefix(1);
      value |= std::uint64_t(c & 0x7f) << shift;
      if ((c & 0x80) == 0) return value;
    }
  }
  std::string_view rest_;
};

template <class Number>
Number number_of(std::string_view bytes) {
  Number number;
  REQUIRE(bytes.size() == sizeof number);
  std::memcpy(&number, bytes.data(), sizeof number);
  return number;
}

struct Scalar {
  std::string tag;
  std::int64_t step;
  float value;
  bool operator==(const Scalar&) const = default;
};

std::vector<std::string> files_in(const std::string& directory) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    files.push_back(entry.path().string());
  std::ranges::sort(files);
  return files;
}

// All of a directory, whose files are whole. starts: steps at which readers are told that a run began anew.
std::vector<Scalar> scalars_in(const std::string& directory, std::vector<std::int64_t>* starts = nullptr) {
  std::vector<Scalar> scalars;
  for (const std::string& path : files_in(directory)) {
    const std::string text = read_file(path);
    TfRecords records(text);
    int count = 0;
    for (auto record = records.next(); record; record = records.next(), ++count) {
      std::int64_t step = 0;
      std::string version;
      for (Fields event(*record); event.next();) {
        if (event.number == 1) CHECK(number_of<double>(event.bytes) > 1.6e9);
        if (event.number == 2) step = std::int64_t(event.bits);
        if (event.number == 3) version = event.bytes;
        if (event.number == 7 && starts != nullptr) starts->push_back(step);
        if (event.number != 5) continue;
        for (Fields summary(event.bytes); summary.next();) {
          Scalar scalar{"", step, 0.0f};
          for (Fields value(summary.bytes); value.next();) {
            if (value.number == 1) scalar.tag = value.bytes;
            if (value.number == 2) scalar.value = number_of<float>(value.bytes);
          }
          scalars.push_back(scalar);
        }
      }
      CHECK(version == (count == 0 ? "brain.Event:2" : ""));
    }
    CHECK(records.read() == text.size());
  }
  return scalars;
}

// What events.jsonl says, by the names that TensorBoard shows.
std::vector<Scalar> scalars_of_run(const std::string& run) {
  const std::vector<std::pair<std::string, std::vector<std::pair<std::string, std::string>>>> names{
      {"step",
       {{"loss", "loss"},
        {"learning_rate", "learning_rate"},
        {"accuracy", "accuracy"},
        {"images_per_s", "images_per_s"}}},
      {"epoch",
       {{"angle_mean_rad", "angle_rad/mean"},
        {"angle_min_rad", "angle_rad/min"},
        {"angle_max_rad", "angle_rad/max"}}},
      {"test", {{"top1", "test/top1"}, {"top5", "test/top5"}, {"loss", "test/loss"}}}};
  std::vector<Scalar> scalars;
  std::ifstream file(run + "/events.jsonl");
  for (std::string line; std::getline(file, line);) {
    const auto event = nlohmann::json::parse(line);
    for (const auto& [kind, fields] : names)
      if (event.at("event") == kind)
        for (const auto& [key, tag] : fields)
          if (event.contains(key)) scalars.push_back({tag, event.at("step"), event.at(key).get<float>()});
  }
  return scalars;
}

}  // namespace

TEST_CASE("CRC-32C has its published check value, and damaged records are not given out") {
  CHECK(crc32c_of("123456789") == 0xe3069283u);
  CHECK(crc32c_of("") == 0u);
  // As TensorBoard's own writer frames it.
  using namespace std::string_literals;
  CHECK(tf_record("123456789") == "\x09\0\0\0\0\0\0\0\x37\xf9\x71\x39"s + "123456789" + "\xe5\xb0\x8a\xc7");
  const std::string both = tf_record("first") + tf_record("");
  TfRecords records(both);
  CHECK(records.next() == "first");
  CHECK(records.next() == "");
  CHECK(records.read() == both.size());
  CHECK(!records.next());
  for (std::size_t at = 0; at < both.size(); ++at) {
    std::string damaged = both;
    damaged[at] = char(damaged[at] ^ 0x10);
    const std::string cut = both.substr(0, at);
    for (const std::string& text : {damaged, cut}) {
      TfRecords some(text);
      std::size_t whole = 0;
      while (some.next()) ++whole;
      CHECK(whole == (at < tf_record("first").size() ? 0 : 1));
    }
  }
}

TEST_CASE("--tensorboard shows what events.jsonl says") {
  const TemporaryDirectory directory;
  TrainConfig config = small_run(directory / "run");
  config.run.tensorboard = directory / "new/board";
  train(config);
  const std::vector<Scalar> scalars = scalars_in(config.run.tensorboard);
  CHECK(scalars.size() == 12 * 4 + 2 * 3);
  CHECK(scalars == scalars_of_run(config.run.out));

  TrainConfig alone = small_run(directory / "alone");
  alone.run.tensorboard = directory / "alone/board";
  alone.network.arch = "#6111";
  alone.labels.kind = LabelKind::from_data;
  alone.eval.spec = "synthetic:20";
  train(alone);
  CHECK(scalars_in(alone.run.tensorboard).size() == 12 * 4 + 2 * 3);
  CHECK(scalars_in(alone.run.tensorboard) == scalars_of_run(alone.run.out));
}

TEST_CASE("a run that goes on repeats no step on --tensorboard, and touches no file of others") {
  const TemporaryDirectory directory;
  TrainConfig config = small_run(directory / "run");
  config.run.tensorboard = directory / "board";
  config.run.steps = 7;
  train(config);
  {  // killed after more steps, of which no checkpoint knows
    const std::string file = files_in(config.run.tensorboard).back();
    std::ofstream events(file, std::ios::binary | std::ios::app);
    std::filesystem::create_directory(directory / "later");
    TensorboardLog later(directory / "later", 7);
    later.write(8, {{"loss", 1.0}});
    later.write(300, {{"loss", 1.0}});
    const std::string text = read_file(files_in(directory / "later").front());
    TfRecords records(text);
    REQUIRE(records.next());  // the version
    events << text.substr(records.read()) << "half a rec";
  }
  test::write_text(config.run.tensorboard + "/events.out.tfevents.1.others", "no record");
  config.run.resume = "auto";
  config.run.steps = 9;
  train(config);
  config.run.steps = 0;
  train(config);
  CHECK(read_file(config.run.tensorboard + "/events.out.tfevents.1.others") == "no record");
  std::filesystem::remove(config.run.tensorboard + "/events.out.tfevents.1.others");
  CHECK(files_in(config.run.tensorboard).size() == 3);
  std::vector<std::int64_t> starts;
  CHECK(scalars_in(config.run.tensorboard, &starts) == scalars_of_run(config.run.out));
  CHECK(starts == std::vector<std::int64_t>{8, 10});
}

TEST_CASE("a fresh run is not drawn over another, nor into what is no directory") {
  const TemporaryDirectory directory;
  TrainConfig config = small_run(directory / "run");
  config.run.steps = 1;
  config.run.tensorboard = directory / "board";
  train(config);
  config.run.out = directory / "other";
  const auto error = [&] {
    try {
      train(config);
    } catch (const Error& caught) {
      CHECK(test::contains(caught.what(), "--tensorboard " + config.run.tensorboard));
      return caught.code();
    }
    return ErrorCode::run_failed;
  };
  CHECK(error() == ErrorCode::usage);
  config.run.resume = "auto";  // there is none to go on with
  CHECK(error() == ErrorCode::usage);
  test::write_text(directory / "file", "");
  config.run.tensorboard = directory / "file";
  CHECK(error() == ErrorCode::data);
  CHECK(!std::filesystem::exists(config.run.out));
}

}  // namespace rlnas
