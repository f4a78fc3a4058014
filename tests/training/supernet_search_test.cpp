// rlnas_search by what the weights of a SuperNet say: from the flags of a short run's directory to its
// report.
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "search/search_run.h"
#include "tests/search/run_search_app.h"
#include "tests/support/ranks.h"
#include "tests/support/temporary_directory.h"
#include "tests/training/supernet_files.h"

namespace rlnas {
namespace {

using test::contains;
using test::run_search_app;
using test::SearchOutcome;
using test::TemporaryDirectory;
using Json = nlohmann::json;

using Flags = std::map<std::string, std::string>;

// A random search of six cells by a few images; `more` may say otherwise. A flag without a value: "".
SearchOutcome searched(const Flags& more) {
  Flags flags{{"--method", "random"}, {"--population", "6"},   {"--generations", "1"},
              {"--eval-batch", "10"}, {"--eval-images", "20"}, {"--recalibration-batches", "2"}};
  for (const auto& [flag, value] : more) flags[flag] = value;
  std::vector<std::string> arguments;
  for (const auto& [flag, value] : flags) {
    arguments.push_back(flag);
    if (!value.empty()) arguments.push_back(value);
  }
  return run_search_app(arguments);
}

Json report_of(const SearchOutcome& outcome) {
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  return Json::parse(outcome.out);
}

std::string error_of(const SearchOutcome& outcome, int code) {
  CHECK(outcome.code == code);
  return outcome.err;
}

}  // namespace

TEST_CASE("a run's directory says all that accuracy and its sums need") {
  const TemporaryDirectory directory;
  const std::string run = directory / "run";
  train(test::labelled_run(run));
  const Flags accuracy{{"--supernet", run}, {"--score", "accuracy"}};
  const auto and_also = [&](Flags more) {
    more.insert(accuracy.begin(), accuracy.end());
    return searched(more);
  };
  CHECK(
      contains(searched(accuracy).out,
               "tried on: 20 of 36 held-out images of synthetic:96, true labels; batch norms by 2 batches of "
               "10 training images along each path"));
  const Json report = report_of(and_also({{"--json", "-"}}));
  CHECK(contains(report["tried_on"].get<std::string>(), "20 of 36 held-out images"));
  REQUIRE(report["top"].size() == 6);
  double before = 1.0;
  for (const Json& found : report["top"]) {
    const double share = found["accuracy"];
    CHECK(share <= before);
    CHECK(std::abs(share * 20.0 - std::round(share * 20.0)) < 1e-9);
    before = share;
  }
  const std::string csv = directory / "all.csv";
  const Json sum =
      report_of(and_also({{"--score", "accuracy+flatness+angle+macs"}, {"--json", "-"}, {"--csv", csv}}));
  CHECK(sum["best"].contains("flatness"));
  CHECK(sum["best"].contains("score"));
  CHECK(sum["best"]["angle_rad"].get<double>() > 0.0);
  CHECK(contains(test::read_text(csv), ",accuracy,flatness,score,"));
  // What was measured is kept, and counts for the same images alone.
  CHECK(report_of(and_also(
            {{"--score", "accuracy+flatness"}, {"--scores", csv}, {"--json", "-"}}))["networks_computed"] ==
        0);
  const std::string kept = run + "/scores.csv";
  CHECK(and_also({{"--scores", kept}, {"--out", directory / "o"}}).code == 0);
  for (const Flags& other : {Flags{{"--eval-images", "19"}}, Flags{{"--recalibration-batches", "1"}},
                             Flags{{"--eval", "synthetic:40"}}}) {
    Flags flags = other;
    flags["--scores"] = kept;
    flags["--out"] = directory / "o";
    CHECK(contains(error_of(and_also(flags), 3), "measured otherwise"));
  }
}

TEST_CASE("evolution and the exhaustive search take accuracy too") {
  const TemporaryDirectory directory;
  const std::string run = directory / "run";
  train(test::labelled_run(run));
  const Flags cheap{{"--supernet", run},   {"--score", "accuracy"},          {"--eval-images", "10"},
                    {"--population", "4"}, {"--recalibration-batches", "1"}, {"--json", "-"}};
  Flags evolution = cheap, exhaustive = cheap;
  evolution.insert({{"--parents", "2"}, {"--mutants", "2"}, {"--crossovers", "1"}});
  evolution["--method"] = "evolution";
  evolution["--generations"] = "2";
  CHECK(report_of(searched(evolution))["evaluations"].get<int>() > 4);
  exhaustive["--method"] = "exhaustive";
  exhaustive["--max-params"] = "73400";  // without a convolution
  CHECK(report_of(searched(exhaustive))["evaluations"] == 729);
}

TEST_CASE("a SuperNet of random labels is tried on its training images") {
  const TemporaryDirectory directory;
  TrainConfig config = test::labelled_run(directory / "run");
  config.labels.kind = LabelKind::random;
  train(config);
  const auto with = [&](Flags more) {
    more.insert({{"--supernet", config.run.out}, {"--score", "accuracy"}});
    return searched(more);
  };
  CHECK(contains(report_of(with({{"--json", "-"}}))["tried_on"].get<std::string>(),
                 "20 of 60 training images of synthetic:96, the random labels it was trained on"));
  CHECK(contains(error_of(with({{"--eval", "synthetic:40"}}), 2),
                 "--eval: a SuperNet trained on random labels"));
  CHECK(contains(error_of(with({{"--data", "synthetic:95"}}), 3),
                 "--data synthetic:95: these are not the images"));
}

TEST_CASE("what accuracy lacks is asked for by its flag") {
  const TemporaryDirectory directory;
  const Space& space = find_space("nasbench201");
  const std::string trained = test::write_supernet(directory / "w.safetensors", space, 10, 1);
  const auto error = [&](const Flags& flags, int code = 2) { return error_of(searched(flags), code); };
  CHECK(contains(error({{"--score", "accuracy"}}), "name a SuperNet with --supernet DIR"));
  Flags flags{{"--score", "accuracy"}, {"--trained", trained}};
  CHECK(contains(error(flags), "--labels: say whether "));
  flags["--labels"] = "true";
  CHECK(contains(error(flags), "--data: say what images"));
  flags["--data"] = "synthetic:50";
  CHECK(contains(error(flags), "the SuperNet was trained on all of these images"));
  flags["--eval"] = "synthetic:40";
  CHECK(searched(flags).code == 0);  // the weights before training are not needed
  const auto but = [&](const std::string& flag, const std::string& value) {
    Flags changed = flags;
    changed[flag] = value;
    return changed;
  };
  CHECK(contains(error(but("--score", "accuracy+angle")), "--init"));
  CHECK(contains(error(but("--labels", "drawn")), "--labels: 'drawn' is not one of random, true"));
  CHECK(contains(error(but("--recalibration-batches", "-1")), "--recalibration-batches -1"));
  CHECK(contains(error(but("--eval-images", "-1")), "--eval-images -1"));
  CHECK(contains(error(but("--eval-batch", "1")), "--eval-batch 1"));
  CHECK(contains(error(but("--score", "bn-scale")), "have no scale"));
  const std::string of_five = test::write_supernet(directory / "5.safetensors", space, 5, 1);
  CHECK(contains(error(but("--trained", of_five)),
                 "has 10 classes to tell, but the SuperNet was trained to tell 5"));
  TensorFile bare = read_safetensors(trained);
  std::erase_if(bare.tensors, [](const NamedTensor& t) { return t.name.ends_with("running_var"); });
  write_safetensors(directory / "bare.safetensors", bare);
  Flags without = but("--trained", directory / "bare.safetensors");
  CHECK(searched(without).code == 0);
  without["--recalibration-batches"] = "0";
  CHECK(contains(error(without, 3), "running_var' is missing"));
  CHECK(contains(run_search_app({"--help"}).out, "[SuperNet, images with labels]"));
}

TEST_CASE("two ranks, and three workers, measure what one does") {
  const TemporaryDirectory directory;
  SearchConfig config;
  config.method = SearchMethod::random;
  config.score = parse_score("accuracy+macs");
  config.device = {"cpu", 1};
  config.evolution.population = 5;
  config.evolution.generations = 1;
  config.evolution.mutants = config.evolution.crossovers = 0;
  config.supernet.weights =
      test::write_supernet(directory / "w.safetensors", find_space("nasbench201"), 10, 2);
  config.supernet.run = test::labelled_run("");
  config.supernet.batch = 10;
  config.supernet.eval_images = 20;
  config.supernet.recalibration_batches = 2;
  const SearchReport one = run_search(config, {});
  SearchConfig three_workers = config;
  three_workers.device.threads = 3;
  const SearchReport three = run_search(three_workers, {});
  SearchReport two;
  for (const test::RankOutcome& outcome : test::run_ranks(2, [&](Communicator& communicator) {
         SearchConfig own = config;
         if (communicator.rank() != 0) {  // rank 0 tells all of it
           own.supernet = {};
           own.score = parse_score("angle");
         }
         const SearchReport report = run_search(own, {}, communicator);
         if (communicator.rank() == 0) two = report;
       }))
    REQUIRE(outcome.error == "");
  REQUIRE(two.evaluated.size() == 5);
  CHECK(two.tried_on == one.tried_on);
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(two.evaluated[i].genes == one.evaluated[i].genes);
    CHECK(two.evaluated[i].values == one.evaluated[i].values);
    CHECK(three.evaluated[i].values == one.evaluated[i].values);
  }
}

}  // namespace rlnas
