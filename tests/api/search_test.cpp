// rlnas/search.hpp as others see it: runs on images in memory, angles, indicators of one's own, searches.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <rlnas/rlnas.hpp>
#include <thread>

#include "tests/support/errors.h"
#include "tests/support/temporary_directory.h"

namespace {

namespace fs = std::filesystem;
using rlnas::search::Options;
using rlnas::search::Report;

struct Images {
  std::vector<std::uint8_t> pixels;
  std::vector<std::int32_t> labels;
};
Images images(int count, int side) {
  Images made;
  std::uint32_t state = 7;
  for (int i = 0; i < count * side * side * 3; ++i) {
    state = state * 1664525u + 1013904223u;
    made.pixels.push_back(std::uint8_t(state >> 24));
  }
  for (int i = 0; i < count; ++i) made.labels.push_back(i % 4);
  return made;
}

rlnas::TrainConfig config_of(const Images& images, const std::string& out) {
  rlnas::TrainConfig config;
  config.data.memory = {
      images.pixels.data(), images.labels.data(), std::int64_t(images.labels.size()), 8, 8, 4};
  config.data.image_size = 8;
  config.recipe.epochs = 1;
  config.recipe.batch_size = 8;
  config.run.out = out;
  config.device.name = "cpu";
  config.device.threads = 1;
  return config;
}

// One small run for all cases that need a SuperNet.
const std::string& supernet() {
  static const rlnas::test::TemporaryDirectory directory;
  static const std::string run = [] {
    const Images data = images(16, 8);
    return rlnas::train(config_of(data, (directory / "run"))).run_directory;
  }();
  return run;
}

Options small_search() {
  Options options = rlnas::search::default_options("nasbench201");
  options.supernet = supernet();
  options.evolution.population = 10;
  options.evolution.generations = 3;
  options.evolution.top = 4;
  options.evolution.mutants = options.evolution.crossovers = 5;
  options.device.threads = 1;
  return options;
}

template <class Body>
std::string error_of(const Body& body) {
  try {
    body();
  } catch (const rlnas::Error& error) {
    return error.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a SuperNet of images in memory: the run of the same images in files") {
  const Images data = images(16, 8);
  const rlnas::test::TemporaryDirectory directory;
  std::int64_t steps = 0;
  const rlnas::TrainResult result =
      rlnas::train(config_of(data, (directory / "a")),
                   {.progress = [&](const rlnas::TrainProgress& p) { steps = p.step; }});
  CHECK(result.steps == 2);
  CHECK(steps == 2);
  Images other = data;
  std::reverse(other.pixels.begin(), other.pixels.end());
  rlnas::train(config_of(other, (directory / "b")));
  const std::vector<std::string> some{"#0", "#1462"};
  CHECK(rlnas::angles((directory / "a"), some) == rlnas::angles(supernet(), some));
  CHECK(rlnas::angles((directory / "b"), some) != rlnas::angles(supernet(), some));
}

TEST_CASE("images in memory that are none are refused") {
  Images data = images(16, 8);
  const rlnas::test::TemporaryDirectory directory;
  rlnas::TrainConfig config = config_of(data, (directory / "run"));
  data.labels[3] = 4;
  CHECK(contains(error_of([&] { rlnas::train(config); }), "images in memory"));
  data.labels[3] = 0;
  config.data.memory.width = 4;
  CHECK(contains(error_of([&] { rlnas::train(config); }), "square"));
  config.data.memory.width = 8;
  config.data.spec = "synthetic:64";
  CHECK(contains(error_of([&] { rlnas::train(config); }), "leave one of them out"));
}

TEST_CASE("a run can be told to stop before its first step, and leaves no state") {
  const Images data = images(16, 8);
  const rlnas::test::TemporaryDirectory directory;
  int asked = 0;
  const rlnas::TrainResult result = rlnas::train(config_of(data, (directory / "run")), {.should_stop = [&] {
                                                   ++asked;
                                                   return true;
                                                 }});
  CHECK(result.interrupted);
  CHECK(result.steps == 0);
  CHECK(asked == 1);
  CHECK_FALSE(fs::exists((directory / "run/resume.safetensors")));
}

TEST_CASE("loading and planning say how far they are, and end when they are told to") {
  const rlnas::test::TemporaryDirectory directory;
  const Images data = images(16, 8);
  std::map<std::string, rlnas::Preparation> last;
  const auto note = [&](const rlnas::Preparation& now) {
    CHECK(now.done <= now.total);
    CHECK(now.done >= last[now.what].done);
    last[now.what] = now;
  };
  rlnas::TrainConfig noise = config_of({}, (directory / "noise"));
  noise.data.spec = "noise:300000";  // seconds of it
  noise.data.threads = 1;
  const rlnas::TrainResult loading =
      rlnas::train(noise, {.should_stop = [&] { return last["loading"].done > 0; }, .preparing = note});
  CHECK(loading.interrupted);
  CHECK(last["loading"].total == 300000);
  CHECK(last["loading"].done < 300000);
  CHECK(last.count("planning") == 0);

  last.clear();
  const auto slowly = [&](const rlnas::Preparation& now) {
    note(now);  // and as long as it may take until it is asked again
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
  };
  const auto when_planning = [&] { return last.count("planning") > 0; };
  const rlnas::TrainConfig config = config_of(data, (directory / "run"));
  const rlnas::TrainResult planning =
      rlnas::train(config, {.should_stop = when_planning, .preparing = slowly});
  CHECK(planning.interrupted);
  CHECK(planning.steps == 0);
  CHECK(last["planning"].total > 0);
  CHECK(last["planning"].done < last["planning"].total);
  last.clear();
  CHECK(rlnas::test::error_of(rlnas::ErrorCode::interrupted, [&] {
          rlnas::plan_training(config, {.should_stop = when_planning, .preparing = slowly});
        }) == "interrupted");
  last.clear();
  CHECK(rlnas::plan_training(config, {.preparing = note}).steps == 2);
  CHECK(last.count("planning") == 1);
}

TEST_CASE("what an architecture is") {
  const rlnas::search::Architecture found = rlnas::search::describe("nasbench201", "#1462");
  CHECK(found.benchmark_index == 1462);
  CHECK(rlnas::search::describe("nasbench201", found.arch).arch == found.arch);
  CHECK(found.macs > 1'000'000);
  CHECK(contains(found.json, "\"macs\""));
  CHECK(contains(found.drawing, "\n"));
  CHECK(rlnas::search::describe("nasbench201", "#1462", 100).params > found.params);
  const std::vector<std::string> names = rlnas::search::spaces();
  CHECK(names.front() == "nasbench201");
  CHECK(rlnas::search::sample("darts-cifar", 5).size() == 5);
  CHECK(contains(error_of([] { rlnas::search::describe("nasbench201", "|nonsense~0|"); }), "nonsense"));
  CHECK(contains(error_of([] { rlnas::search::describe("nowhere", "#1"); }), "nowhere"));
}

TEST_CASE("angles of weights in memory are those of the vectors they make") {
  const std::vector<rlnas::search::TensorShape> tensors = rlnas::search::supernet_tensors("nasbench201", 10);
  std::vector<std::vector<float>> initial, trained;
  std::vector<rlnas::search::TensorWeights> weights;
  float next = 0.1f;
  for (const rlnas::search::TensorShape& tensor : tensors) {
    std::size_t count = 1;
    for (const std::int64_t size : tensor.shape) count *= std::size_t(size);
    initial.emplace_back(count, next);
    trained.emplace_back(count, 3.0f * next);
    trained.back()[0] = -next;
    next += 0.01f;
  }
  for (std::size_t t = tensors.size(); t-- > 0;)  // in any order
    weights.push_back(
        {tensors[t].name, initial[t].data(), trained[t].data(), std::int64_t(initial[t].size())});
  const std::vector<std::string> archs{
      "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|nor_conv_1x1~1|skip_connect~2|", "#0"};
  const std::vector<double> angles = rlnas::search::angles_of("nasbench201", 10, weights, archs);
  REQUIRE(angles.size() == 2);
  for (const double angle : angles) {
    CHECK(angle > 0.01);
    CHECK(angle < 1.0);
  }
  for (std::vector<float>& values : trained)
    std::ranges::transform(values, values.begin(), [](float v) { return 2.0f * v; });
  const std::vector<double> scaled = rlnas::search::angles_of("nasbench201", 10, weights, archs);
  CHECK(scaled[0] == doctest::Approx(angles[0]).epsilon(1e-6));
  weights[3].count -= 1;
  CHECK(contains(error_of([&] { rlnas::search::angles_of("nasbench201", 10, weights, archs); }),
                 weights[3].name));
  weights.pop_back();
  weights[3].count += 1;
  CHECK(
      contains(error_of([&] { rlnas::search::angles_of("nasbench201", 10, weights, archs); }), "no weights"));
}

TEST_CASE("evolution by an indicator of one's own, alone and beside the angle") {
  std::vector<std::string> asked;
  Options options = small_search();
  options.supernet.clear();
  options.own = {{"skips", [&](const std::string& arch) {
                    asked.push_back(arch);
                    double count = 0.0;
                    for (std::size_t at = 0; (at = arch.find("skip_connect", at)) != std::string::npos; ++at)
                      ++count;
                    return count;
                  }}};
  options.score = "skips";
  options.evolution.generations = 12;
  std::vector<rlnas::search::Generation> generations;
  const Report report = rlnas::search::run(
      options, {.generation = [&](const rlnas::search::Generation& g) { generations.push_back(g); }});
  CHECK(report.evaluated.size() == 120);
  CHECK(asked.size() == 120);
  REQUIRE(generations.size() == 12);
  CHECK(generations.back().best == report.best().arch);
  CHECK(generations.back().best_score == report.best().score);
  CHECK(report.best().score >= 5.0);
  CHECK(report.best().score > generations.front().best_score - 0.5);
  REQUIRE(report.indicators.back() == "skips");
  CHECK(report.best().values.back() == report.best().score);
  CHECK(contains(report.json, "\"skips\""));
  CHECK(contains(report.csv, "skips"));

  options = small_search();
  options.own = {{"short", [](const std::string& arch) { return -double(arch.size()); }}};
  options.score = "angle+short";
  CHECK(rlnas::search::terms_of(options) == std::vector<std::string>{"angle", "short"});
  const Report both = rlnas::search::run(options);
  CHECK(both.evaluated.size() == 30);
  const std::vector<double> scores = rlnas::search::scores(options, {both.best().arch, "#3"});
  REQUIRE(scores.size() == 4);
  CHECK(scores[0] == both.best().values[0]);
  CHECK(scores[1] == -double(both.best().arch.size()));
}

TEST_CASE("names of one's own indicators") {
  const auto value = [](const std::string&) { return 0.0; };
  Options options = small_search();
  options.own = {{"angle", value}};
  CHECK(contains(error_of([&] { rlnas::search::run(options); }), "already"));
  options.own = {{"a b", value}};
  CHECK(contains(error_of([&] { rlnas::search::run(options); }), "letters"));
  options.own = {{"mine", value}, {"mine", value}};
  CHECK(contains(error_of([&] { rlnas::search::run(options); }), "already"));
  options.own.clear();
  options.score = "mine";
  CHECK(contains(error_of([&] { rlnas::search::run(options); }), "'mine'"));
}

TEST_CASE("what a function of one's own throws comes back") {
  Options options = small_search();
  options.own = {{"mine", [](const std::string&) -> double { throw std::runtime_error("mine failed"); }}};
  options.score = "mine";
  CHECK_THROWS_WITH_AS(rlnas::search::run(options), "mine failed", std::runtime_error);
}

TEST_CASE("exhaustive and exact search agree, scores are those of the report") {
  Options options = small_search();
  options.method = rlnas::SearchMethod::exhaustive;
  const Report all = rlnas::search::run(options);
  CHECK(all.evaluated.size() == 15625);
  CHECK(all.top.size() == 10);
  options.method = rlnas::SearchMethod::exact;
  const Report exact = rlnas::search::run(options);
  REQUIRE(exact.optimum);
  CHECK(exact.optimum->proven);
  CHECK(exact.best().arch == all.best().arch);
  CHECK(rlnas::angles(supernet(), {all.best().arch}).front() == all.best().score);
  CHECK(contains(all.text, all.best().arch));
}

TEST_CASE("a search stops when it is told to, and goes on to the same end") {
  const rlnas::test::TemporaryDirectory directory;
  Options options = small_search();
  const Report whole = rlnas::search::run(options);
  options.out = (directory / "search");
  int generations = 0;
  const Report stopped =
      rlnas::search::run(options, {.generation =
                                       [&](const rlnas::search::Generation&) {
                                         ++generations;  // and as long as it may take until it is asked again
                                         std::this_thread::sleep_for(std::chrono::milliseconds(30));
                                       },
                                   .should_stop = [&] { return generations >= 1; }});
  CHECK(stopped.interrupted);
  CHECK(stopped.top.empty());
  options.resume = true;
  CHECK(rlnas::search::run(options).csv == whole.csv);
}

TEST_CASE("several runs in one process, and on several threads") {
  const Report expected = rlnas::search::run(small_search());
  const Images data = images(16, 8);
  const rlnas::test::TemporaryDirectory directory;
  std::vector<std::string> found(3);
  std::vector<std::vector<double>> angles(3);
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < found.size(); ++t)
      threads.emplace_back([&, t] {
        const std::string out = (directory / "run" + std::to_string(t));
        rlnas::train(config_of(data, out));
        angles[t] = rlnas::angles(out, {"#17"});
        Options options = small_search();
        const std::string name = "mine" + std::to_string(t);  // known to this thread alone
        options.own = {{name, [](const std::string&) { return 1.0; }}};
        found[t] = rlnas::search::run(options).csv;
      });
  }
  for (const std::string& csv : found) CHECK(csv == expected.csv);
  for (const std::vector<double>& one : angles) CHECK(one == rlnas::angles(supernet(), {"#17"}));
}

TEST_CASE("exports") {
  const rlnas::test::TemporaryDirectory directory;
  const std::vector<std::string> files = rlnas::search::export_network(
      {.arch = "#11", .supernet = supernet()},
      {"onnx:" + (directory / "net.onnx"), "pytorch:" + (directory / "net.py")});
  CHECK(files.size() == 3);
  for (const std::string& file : files) CHECK(fs::file_size(file) > 500);
}
