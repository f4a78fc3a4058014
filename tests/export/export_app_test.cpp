// --export as a person meets it: files, what is said of them, and what cannot be.
#include <doctest/doctest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "engine/safetensors.h"
#include "ops/network_layout.h"
#include "search/checkpoint.h"
#include "search/run_directory.h"
#include "tests/search/every_space.h"
#include "tests/search/run_search_app.h"
#include "tests/support/temporary_directory.h"

using namespace rlnas;
using rlnas::test::contains;
using rlnas::test::read_text;
using rlnas::test::TemporaryDirectory;

namespace {

constexpr const char* kCell =
    "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|none~1|nor_conv_1x1~2|";
constexpr const char* kOtherCell = "|none~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|none~1|nor_conv_1x1~2|";

test::SearchOutcome searched(std::vector<std::string> arguments) {
  return test::run_search_app(arguments);
}

// What a run of a network by itself, or of a SuperNet, leaves: run.json and the weights, at their beginning.
void write_run(const std::string& directory, bool alone) {
  std::filesystem::create_directories(directory);
  const Space& space = find_space("nasbench201");
  TrainConfig config = alone ? space.retrain_recipe() : space.supernet_recipe();
  if (alone) config.network.arch = kCell;
  const Genes genes = space.parse(kCell);
  const NetworkOptions options{.kind = alone ? NetworkKind::stand_alone : NetworkKind::supernet,
                               .classes = 4};
  const NetworkLayout layout(space.network(options, alone ? std::span(&genes, 1) : std::span<const Genes>{}),
                             Initializer::pytorch);
  TensorFile file;
  append_tensors(file, layout.tensors().parameters(), layout.tensors().initial_parameters(5), "");
  append_tensors(file, layout.tensors().statistics(), layout.tensors().initial_statistics(), "");
  file.metadata["space"] = space.name();
  write_safetensors(RunDirectory(directory).latest_file(), file);
  RunFacts facts;
  facts.classes = 4;
  RunDirectory(directory).write_run_json(config, facts);
}

}  // namespace

TEST_CASE("every kind of export is written, and said so") {
  const TemporaryDirectory directory;
  std::vector<std::string> arguments{"--describe", kCell};
  for (const char* kind : {"onnx", "pytorch", "dot", "json", "svg"})
    arguments.insert(arguments.end(),
                     {"--export", std::string(kind) + ":" + directory / (std::string("a.") + kind)});
  const test::SearchOutcome outcome = searched(arguments);
  CHECK(outcome.code == 0);
  CHECK(contains(outcome.out, "fresh, not trained (initializer pytorch, seed 0)"));
  for (const char* file : {"a.onnx", "a.pytorch", "a.safetensors", "a.dot", "a.json", "a.svg"}) {
    CHECK(std::filesystem::file_size(directory / file) > 1000);
    CHECK(contains(outcome.out, directory / file));
  }
  CHECK(contains(outcome.out, "MACs                 "));  // the description is still there
}

TEST_CASE("with --json - the description alone goes to standard output") {
  const TemporaryDirectory directory;
  const test::SearchOutcome outcome =
      searched({"--describe", kCell, "--json", "-", "--export", "dot:" + directory / "a.dot"});
  CHECK(outcome.code == 0);
  CHECK(nlohmann::json::parse(outcome.out).at("arch") == kCell);
  CHECK(contains(outcome.err, "a.dot"));
}

TEST_CASE("weights are those of a network trained by itself, or a SuperNet's path") {
  const TemporaryDirectory directory;
  write_run(directory / "alone", true);
  write_run(directory / "super", false);
  const std::string alone = RunDirectory(directory / "alone").latest_file(),
                    super = RunDirectory(directory / "super").latest_file();

  test::SearchOutcome outcome =
      searched({"--describe", kCell, "--trained", alone, "--export", "pytorch:" + directory / "a.py"});
  CHECK(outcome.code == 0);
  CHECK(contains(outcome.out, "trained, " + alone));
  const TensorFile trained = read_safetensors(alone),
                   exported = read_safetensors(directory / "a.safetensors");
  REQUIRE(exported.tensors.size() == trained.tensors.size());
  for (const NamedTensor& tensor : trained.tensors) CHECK(exported.find(tensor.name)->data == tensor.data);

  outcome = searched(
      {"--describe", kCell, "--supernet", directory / "super", "--export", "pytorch:" + directory / "b.py"});
  CHECK(outcome.code == 0);
  CHECK(contains(outcome.out, "inherited from the SuperNet"));
  const TensorFile all = read_safetensors(super), path = read_safetensors(directory / "b.safetensors");
  CHECK(path.tensors.size() < all.tensors.size());
  for (const NamedTensor& tensor : path.tensors) CHECK(all.find(tensor.name)->data == tensor.data);
  CHECK(path.find("cells.0.edges.1<-0.3.op.1.weight") != nullptr);
  CHECK(path.find("cells.0.edges.1<-0.2.op.1.weight") == nullptr);

  const auto error = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--export", "dot:" + directory / "never.dot"});
    const test::SearchOutcome wrong = searched(arguments);
    CHECK(wrong.code != 0);
    CHECK(!std::filesystem::exists(directory / "never.dot"));
    return wrong.err;
  };
  CHECK(contains(error({"--describe", kOtherCell, "--trained", alone}), "another architecture, --arch "));
  CHECK(contains(error({"--describe", kCell, "--trained", super}), "is exported by --supernet"));
  CHECK(contains(error({"--describe", kCell, "--supernet", directory / "alone"}), "--trained " + alone));
  CHECK(contains(error({"--describe", kCell, "--supernet", directory / "alone", "--trained", alone}),
                 "name one of them"));
  CHECK(contains(error({"--describe", kCell, "--trained", alone, "--classes", "10"}), "leave out --classes"));
  CHECK(contains(error({"--describe", kCell, "--supernet", directory / "none"}), "no such directory"));
  // Without run.json a file is still known to be of another network by its tensors.
  std::filesystem::remove(RunDirectory(directory / "alone").run_file());
  CHECK(contains(error({"--describe", "|nor_conv_1x1~0|+|none~0|none~1|+|none~0|nor_conv_3x3~1|none~2|",
                        "--trained", alone}),
                 "is missing"));
}

TEST_CASE("an export replaces the weights of another, never those of a run") {
  const TemporaryDirectory directory;
  write_run(directory / "super", false);
  const std::string weights = RunDirectory(directory / "super").latest_file(), before = read_text(weights);
  const auto export_to = [&](const std::string& source) {
    return searched(
        {"--describe", kCell, "--supernet", directory / "super", "--export", "pytorch:" + source});
  };
  const test::SearchOutcome outcome = export_to(directory / "super/latest.py");
  CHECK(outcome.code == 2);
  CHECK(contains(outcome.err, "would replace " + weights));
  CHECK(read_text(weights) == before);
  CHECK(!std::filesystem::exists(directory / "super/latest.py"));
  CHECK(export_to(directory / "super/path.py").code == 0);
  CHECK(export_to(directory / "super/path.py").code == 0);
}

TEST_CASE("what --export cannot do it says, naming itself") {
  const auto error = [](const std::vector<std::string>& arguments) {
    const test::SearchOutcome outcome = searched(arguments);
    CHECK(outcome.code == 2);
    return outcome.err;
  };
  CHECK(
      contains(error({"--describe", kCell, "--export", "a.onnx"}), "KIND of onnx, pytorch, dot, json, svg"));
  CHECK(contains(error({"--describe", kCell, "--export", "onnx:"}), "--export onnx:: say KIND:FILE"));
  CHECK(contains(error({"--describe", kCell, "--export", "tflite:a"}),
                 "--export: 'tflite' is not one of onnx, pytorch, dot, json, svg"));
  CHECK(contains(error({"--describe", kCell, "--export", "dot:a", "--export", "json:a"}),
                 "a is written twice"));
  CHECK(contains(error({"--export", "dot:a", "--method", "random"}), "--export: say of which architecture"));
  CHECK(contains(error({"--describe", kCell, "--init", "a", "--export", "dot:a"}), "leave out"));
  const test::SearchOutcome outcome = searched({"--describe", kCell, "--export", "dot:/proc/none/a.dot"});
  CHECK(outcome.code != 0);
  CHECK(contains(outcome.err, "--export"));
}
