// Every kind of --data through train(), on small files: what run.json says of them, resumption to the bit,
// and that a run goes on with no other images than its own.
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "data/image_list.h"
#include "rlnas/train.hpp"
#include "tests/data/image_writer.h"
#include "tests/data/set_writer.h"
#include "tests/training/small_run.h"

using namespace rlnas;
using namespace rlnas::test;

namespace {

constexpr int kImages = 15;

// What is not as it was in a data set.
enum class Change { none, label, pixel, count };

using Writer = std::function<std::string(const TempDir& dir, Change change)>;  // returns --data

std::string write_cifar10(const TempDir& dir, Change change) {
  const int count = kImages / 5 - (change == Change::count ? 1 : 0);  // of each file, or one is truncated
  for (int b = 0; b < 5; ++b) {
    Bytes records = cifar_records(b * count, count, 1);
    if (change == Change::label && b == 3) records[0] ^= 1;
    if (change == Change::pixel && b == 3) records[1000] ^= 1;
    dir.write("data_batch_" + std::to_string(b + 1) + ".bin", records);
  }
  return "cifar10:" + dir.path();
}

std::string write_cifar100(const TempDir& dir, Change change) {
  Bytes records = cifar_records(0, change == Change::count ? kImages - 1 : kImages, 2);
  if (change == Change::label) records[1] ^= 1;
  if (change == Change::pixel) records[1000] ^= 1;
  dir.write("train.bin", records);
  return "cifar100:" + dir.path();
}

std::string write_idx(const TempDir& dir, Change change) {
  const std::uint32_t count = change == Change::count ? kImages - 1 : kImages;
  Bytes images = idx_images(count, 28, 28), labels = idx_labels(count);
  if (change == Change::label) labels.back() ^= 1;
  if (change == Change::pixel) images.back() ^= 1;
  dir.write(kIdxImages, images);
  dir.write(kIdxLabels, labels);
  return "idx:" + dir.path();
}

std::string write_imagenet16_file(const TempDir& dir, Change change) {
  Dataset set;
  set.height = set.width = 16;
  set.classes = 120;
  for (int i = 0; i < (change == Change::count ? kImages - 1 : kImages); ++i) {
    set.labels.push_back(i * 8);
    for (int p = 0; p < 256; ++p)
      for (int c = 0; c < 3; ++c) set.images.push_back(pixel_of(i, c, p));
  }
  if (change == Change::label) set.labels[4] ^= 1;
  if (change == Change::pixel) set.images[1000] ^= 1;
  return "imagenet16:" + dir.write("set.rlnas16", imagenet16_file(set));
}

// Three classes of images of `height` x 16 pixels.
std::string write_folder(const TempDir& dir, Change change, int height) {
  for (int i = 0; i < (change == Change::count ? kImages - 1 : kImages); ++i) {
    const bool moved = change == Change::label && i == 4;  // the last of its class to the next
    const bool touched = change == Change::pixel && i == 7;
    const auto paint = [&](int y, int x) {
      const auto level = [&](int c) { return std::uint32_t(pixel_of(i, c, y * 16 + x)); };
      return (level(0) << 16 | level(1) << 8 | level(2)) ^ (touched && y == 9 && x == 5 ? 1u : 0u);
    };
    dir.write(std::string(1, char('a' + i / 5 + (moved ? 1 : 0))) + "/" + std::to_string(10 + i) + ".png",
              make_png(height, 16, PngColor::rgb, paint));
  }
  return "folder:" + dir.path();
}

std::string write_square_folder(const TempDir& dir, Change change) {
  return write_folder(dir, change, 16);
}
std::string write_tall_folder(const TempDir& dir, Change change) {
  return write_folder(dir, change, 24);
}

struct Kind {
  const char* name;
  Writer write;
  TrainingCrop crop;
  int classes;
  std::uint32_t checksum;  // of pixels and labels, by Python's zlib.crc32; 0: of files that libpng made
};

const Kind kKinds[] = {
    {"cifar10", write_cifar10, TrainingCrop::shift, 10, 0x57106240},
    {"cifar100", write_cifar100, TrainingCrop::shift, 100, 0x67b0591a},
    {"idx", write_idx, TrainingCrop::shift, 10, 0x57833d03},
    {"imagenet16", write_imagenet16_file, TrainingCrop::shift, 120, 0xbd5f2391},
    {"folder in memory", write_square_folder, TrainingCrop::shift, 3, 0xa4e0085d},
    {"folder, area crop", write_tall_folder, TrainingCrop::area, 3, 0},
    {"folder, resized crop", write_tall_folder, TrainingCrop::resized, 3, 0},
};

void rewrite(const Kind& kind, const TempDir& files, Change change) {
  for (const auto& entry : std::filesystem::directory_iterator(files.path()))
    std::filesystem::remove_all(entry.path());
  kind.write(files, change);
}

TrainConfig run_of(const Kind& kind, const std::string& data, const std::string& out) {
  TrainConfig config = small_run(out);
  config.data.spec = data;
  config.data.split = CifarSplit::all;
  config.recipe.batch_size = 8;  // two steps an epoch, the second with an image less
  config.run.steps = 3;
  config.data.crop = kind.crop;
  config.data.threads = 2;
  return config;
}

}  // namespace

TEST_CASE("every kind of data trains, and resumes within an epoch to the same bits") {
  for (const Kind& kind : kKinds) {
    CAPTURE(std::string(kind.name));
    const TempDir files, runs;
    const std::string data = kind.write(files, Change::none);
    const TrainResult result = train(run_of(kind, data, runs / "straight"));
    CHECK(result.steps == 3);
    CHECK(std::isfinite(result.loss));
    CHECK(result.loss > 0.0);

    const auto facts = nlohmann::json::parse(read_text(runs / "straight/run.json")).at("data");
    CHECK(facts.at("images") == kImages);
    CHECK(facts.at("classes") == kind.classes);
    CHECK(facts.at("skipped_files") == 0);
    const std::uint32_t checksum =
        kind.checksum != 0 ? kind.checksum : ImageList::scan(files.path()).fingerprint(1).contents;
    CHECK(facts.at("crc32") == checksum);

    TrainConfig stopped = run_of(kind, data, runs / "stopped");
    stopped.run.steps = 1;
    train(stopped);
    const std::string file = "/latest.safetensors", straight = read_text(runs / "straight" + file);
    REQUIRE(straight.size() > 1'000'000);
    CHECK(read_text(stopped.run.out + file) != straight);
    stopped.run.steps = 3;
    stopped.run.resume = "auto";
    CHECK(train(stopped).steps == 3);
    CHECK((read_text(stopped.run.out + file) == straight));
  }
}

TEST_CASE("a run does not go on with other images, whatever is different about them, and says what") {
  for (const Kind& kind : kKinds) {
    CAPTURE(std::string(kind.name));
    const TempDir files, runs;
    TrainConfig config = run_of(kind, kind.write(files, Change::none), runs / "run");
    config.run.steps = 1;
    train(config);
    config.run.steps = 2;
    config.run.resume = "auto";
    const std::string run = "the run in " + config.run.out + " was started with";
    const auto error_with = [&](Change change) {
      rewrite(kind, files, change);
      const std::string error = error_of(ErrorCode::data, [&] { train(config); });
      CAPTURE(error);
      CHECK(error.starts_with("--data " + config.data.spec + ": "));
      CHECK(!contains(error, "\n"));
      CHECK(contains(error, run));
      return error;
    };
    CHECK(contains(error_with(Change::count), " images, but " + run + " 15"));
    CHECK(contains(error_with(Change::label), "other names or labels"));
    CHECK(contains(error_with(Change::pixel), "not the contents"));
    CHECK_FALSE(contains(read_text(config.run.out + "/events.jsonl"), "\"step\":2"));
    rewrite(kind, files, Change::none);
    CHECK(train(config).steps == 2);
  }
}
