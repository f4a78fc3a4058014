// rlnas_search on every space: descriptions against the golden values of method.md 15.1 to 15.4 and appendix
// A, and how a SuperNet's space is recognised.
#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "engine/mt19937.h"
#include "search/darts/genotype.h"
#include "search/darts/space.h"
#include "tests/search/darts_support.h"
#include "tests/search/fake_run.h"
#include "tests/search/run_search_app.h"
#include "tests/support/temporary_directory.h"

using namespace rlnas;
using rlnas::test::TemporaryDirectory;
using Json = nlohmann::json;

namespace {

using Outcome = test::SearchOutcome;
using test::contains;

Outcome searched(const std::vector<std::string>& arguments) {
  return test::run_search_app(arguments);
}

struct Golden {
  const char* space;
  const char* text;
  std::int64_t macs;    // 0: the source rounds them
  std::int64_t params;  // 0: not published
  std::int64_t angle_vector_length;
};

constexpr const char* kRlnasMobilenet = "2 0 -1 2 | 2 0 2 4 | 0 4 4 2 | 4 2 4 2 | 0 0 0 2 | 2";
constexpr const char* kAllSmallest = "0 0 0 0 | 0 0 0 0 | 0 0 0 0 | 0 0 0 0 | 0 0 0 0 | 0";
constexpr const char* kAllLargest = "5 5 5 5 | 5 5 5 5 | 5 5 5 5 | 5 5 5 5 | 5 5 5 5 | 5";

const std::vector<Golden> kGoldens{
    {"darts-imagenet", test::kRlnasCifar, 629123864, 5674720, 11759200},
    {"darts-imagenet", test::kRlnasImagenet, 596750936, 5463616, 0},
    {"darts-imagenet", test::kRlnasImagenetUncapped, 0, 0, 0},
    {"darts-imagenet", test::kDartsV2, 530678552, 4718752, 0},
    {"darts-cifar", test::kRlnasCifar, 0, 4034710, 869680},
    {"darts-cifar", test::kRlnasImagenet, 0, 0, 691696},
    {"darts-cifar", test::kDartsV2, 0, 3349342, 0},
    {"darts-cifar", test::kPcDartsCifar, 0, 3634678, 0},
    {"mobilenet", kRlnasMobilenet, 473248184, 5255648, 5246536},
    {"mobilenet", kAllSmallest, 462635960, 5151552, 5141352},
    {"mobilenet", kAllLargest, 1038400856, 8382408, 8372208},
};

// The genotype without `NAME =`, and its list of outputs as a range.
std::string plain(std::string genotype) {
  genotype.erase(0, std::min(genotype.find("Genotype"), genotype.size()));
  const std::string list = "[2, 3, 4, 5]";
  for (std::size_t at; (at = genotype.find(list)) != std::string::npos;)
    genotype.replace(at, list.size(), "range(2, 6)");
  return genotype;
}

}  // namespace

TEST_CASE("--describe of the published architectures of every space: text and JSON") {
  for (const Golden& golden : kGoldens) {
    CAPTURE(golden.space);
    CAPTURE(golden.text);
    const Outcome outcome = searched({"--space", golden.space, "--describe", golden.text, "--json", "-"});
    REQUIRE(outcome.err == "");
    CHECK(outcome.code == 0);
    const Json json = Json::parse(outcome.out);
    CHECK(json.at("space") == golden.space);
    if (golden.macs > 0) CHECK(json.at("macs") == golden.macs);
    if (golden.params > 0) CHECK(json.at("params") == golden.params);
    if (golden.angle_vector_length > 0) CHECK(json.at("angle_vector_length") == golden.angle_vector_length);
    const bool chain = golden.space == std::string("mobilenet");
    CHECK(json.contains("multiplicity") == !chain);
    CHECK(json.contains("live_paths") == !chain);
    // What is printed is what was given (DARTS V2 and PC-DARTS list inputs in another order), and reads back.
    const std::string arch = json.at("arch");
    if (chain) CHECK(arch == golden.text);
    if (contains(golden.text, "range(2, 6)") && !contains(golden.text, "PC_DARTS"))
      CHECK(arch == plain(golden.text));
    CHECK(searched({"--space", golden.space, "--describe", arch, "--json", "-"}).out == outcome.out);

    const Outcome text = searched({"--space", golden.space, "--describe", golden.text});
    CHECK(text.code == 0);
    CHECK(contains(text.out, arch));
    for (const char* key : {"macs", "params", "angle_vector_length"})
      CHECK(contains(text.out, json.at(key).dump() + "\n"));
  }
}

TEST_CASE("--describe: path multiplicities, drawings and FLOPs of the CIFAR networks") {
  const auto described = [](const char* space, const char* text) {
    return Json::parse(searched({"--space", space, "--describe", text, "--json", "-"}).out);
  };
  const Json cifar = described("darts-cifar", test::kRlnasCifar);
  CHECK(cifar.at("live_paths") == Json{{"normal", 12}, {"reduce", 12}});
  CHECK(cifar.at("multiplicity").at("normal") == Json({4, 4, 2, 0, 4, 1, 0, 0, 3, 0, 1, 2, 0, 0}));
  CHECK(cifar.at("multiplicity").at("reduce") == Json({4, 4, 2, 0, 4, 0, 1, 0, 3, 0, 1, 2, 0, 0}));
  CHECK(std::llround(double(cifar.at("macs")) / 1e5) == 6304);
  CHECK(std::llround(double(described("darts-cifar", test::kDartsV2).at("macs")) / 1e5) == 5284);
  const Json imagenet = described("darts-imagenet", test::kRlnasImagenet);
  CHECK(imagenet.at("live_paths") == Json{{"normal", 12}, {"reduce", 8}});
  CHECK(imagenet.at("multiplicity").at("normal") == Json({4, 4, 0, 1, 2, 0, 2, 4, 0, 1, 0, 0, 0, 3}));
  CHECK(imagenet.at("multiplicity").at("reduce") == Json({1, 1, 1, 1, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0}));
  CHECK(std::llround(double(described("darts-imagenet", test::kRlnasImagenetUncapped).at("macs")) / 1e6) ==
        724);

  const std::string text = searched({"--space", "darts-imagenet", "--describe", test::kRlnasImagenet}).out;
  CHECK(contains(text, "  node 5 = skip_connect(cell k-2) + sep_conv_3x3(node 4)\n"));
  CHECK(contains(text,
                 "normal cell's paths  12, over edges 2<-0:4 2<-1:4 3<-1:1 3<-2:2 4<-1:2 4<-2:4 5<-0:1 "
                 "5<-4:3\n"));
  CHECK(contains(text, "reduce cell's paths  8, over edges 2<-0:1 "));
  // A code in, the genotype out.
  const Json code = described("darts-cifar", "5,4 6,0,5 4,0,0,7 0,7,6,0,0 | 5,6 4,0,5 0,6,0,4 0,1,5,0,0");
  CHECK(code == cifar);
  CHECK(contains(searched({"--space", "mobilenet", "--describe", kRlnasMobilenet}).out,
                 "2      identity   32 -> 32    56 -> 56\n"));
}

TEST_CASE("--describe: other classes and image sizes, and errors that say where") {
  const Json ten = Json::parse(searched({"--space", "mobilenet", "--describe", kRlnasMobilenet, "--classes",
                                         "10", "--image-size", "32", "--json", "-"})
                                   .out);
  CHECK(ten.at("params") == 5255648 - 990 * 1729);
  const auto error_of = [](const std::vector<std::string>& arguments) {
    const Outcome outcome = searched(arguments);
    CHECK(outcome.code == 2);
    CHECK(outcome.out == "");
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
    return outcome.err;
  };
  CHECK(contains(error_of({"--space", "darts", "--describe", "1"}),
                 "--space: 'darts' is not one of nasbench201, darts-cifar, darts-imagenet, mobilenet"));
  CHECK(contains(error_of({"--space", "darts-cifar", "--describe", "Genotype(normal=[('conv', 0)"}),
                 "at character 20: unknown operation 'conv'"));
  CHECK(contains(error_of({"--space", "mobilenet", "--describe", "-1 0"}), "block 0"));
  CHECK(contains(error_of({"--space", "mobilenet", "--describe", kAllSmallest, "--image-size", "30"}),
                 "--image-size 30"));
  CHECK(contains(error_of({"--space", "darts-cifar", "--describe", test::kRlnasCifar, "--truth", "x"}),
                 "--describe does not search"));
}

TEST_CASE("a SuperNet's space is recognised by its metadata, its tensors or run.json, or asked for") {
  const TemporaryDirectory directory;
  const std::string plain_run = directory / "plain", named = directory / "named", lying = directory / "lying";
  test::write_fake_run(plain_run, {.space = "darts-cifar", .seed = 1});
  test::write_fake_run(named, {.space = "darts-cifar", .seed = 1, .metadata_space = "darts-cifar"});
  test::write_fake_run(lying, {.space = "darts-cifar", .seed = 1, .metadata_space = "mobilenet"});
  const std::vector<std::string> quick{"--generations", "1", "--out", directory / "state", "--json", "-"};
  const auto with = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), quick.begin(), quick.end());
    return searched(arguments);
  };
  const Outcome asked = with({"--supernet", plain_run, "--space", "darts-cifar"});
  REQUIRE(asked.err == "");
  CHECK(Json::parse(asked.out).at("space") == "darts-cifar");
  CHECK(with({"--supernet", named, "--space", "darts-cifar"}).out == asked.out);

  // Without run.json nothing says which space's defaults to take.
  for (const std::string& run : {plain_run, named}) {
    const Outcome unsaid = with({"--supernet", run});
    CHECK(unsaid.code == 2);
    CHECK(contains(unsaid.err, "holds a SuperNet of darts-cifar: say --space darts-cifar"));
  }
  test::write_text(plain_run + "/run.json", R"({"config": {"space": "darts-cifar"}})");
  CHECK(with({"--supernet", plain_run}).out == asked.out);

  // Of two statements that differ the user hears.
  const Outcome other = with({"--supernet", named, "--space", "mobilenet"});
  CHECK(other.code == 2);
  CHECK(contains(other.err, "--space mobilenet: "));
  CHECK(contains(other.err, "holds a SuperNet of darts-cifar"));
  const Outcome tensors = with({"--supernet", lying, "--space", "mobilenet"});
  CHECK(tensors.code == 3);
  CHECK(contains(tensors.err, "not a MobileNet SuperNet: missing tensor "));
  const Outcome sibling = with({"--supernet", plain_run, "--space", "nasbench201"});
  CHECK(sibling.code == 3);
  CHECK(contains(sibling.err, "not a NAS-Bench-201 SuperNet: "));
}

TEST_CASE("a DARTS search through the program: reports, quoted CSV, resumption, published draws") {
  const TemporaryDirectory directory;
  const std::string run = directory / "run", json = directory / "a.json", csv = directory / "a.csv";
  test::write_fake_run(run, {.space = "darts-cifar", .seed = 2});
  const auto with = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments{"--supernet", run, "--space", "darts-cifar"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return searched(arguments);
  };
  const Outcome outcome = with({"--json", json, "--csv", csv});
  REQUIRE(outcome.err == "");
  CHECK(contains(outcome.out,
                 "search: evolution of darts-cifar, score angle, seed 1, 20 generations, 1000 "
                 "architectures evaluated\n"));
  const Json report = Json::parse(test::read_text(json));
  CHECK(contains(outcome.out, "found:  " + report.at("best").at("arch").get<std::string>()));
  CHECK(contains(outcome.out, "reduction cell\n  node 2 = "));
  CHECK(!report.at("best").contains("enumeration_index"));

  std::istringstream lines(test::read_text(csv));
  std::string line;
  std::getline(lines, line);
  CHECK(line == "arch,angle_rad,op_angle_sum,macs,params,generation,rank");
  int rows = 0;
  while (std::getline(lines, line)) {
    const std::size_t close = line.rfind('"');
    REQUIRE(line.front() == '"');
    const std::string text = line.substr(1, close - 1);
    REQUIRE(darts::genotype(darts::parse_architecture(text)) == text);
    REQUIRE(std::count(line.begin() + std::ptrdiff_t(close), line.end(), ',') == 6);
    ++rows;
  }
  CHECK(rows == 1000);

  CHECK(with({"--resume", "--json", "-"}).out == test::read_text(json));
  CHECK(contains(with({"--method", "exhaustive"}).err, "architectures are too many; use evolution"));
  CHECK(contains(with({"--truth", "x.csv"}).err, "--truth: tables of true accuracies exist for nasbench201"));
  CHECK(with({"--truth", "x.csv"}).code == 2);

  // The first raw candidate of method.md 15.6; nine more are drawn before it is repaired.
  REQUIRE(
      with({"--compat", "megvii", "--out", directory / "megvii", "--csv", csv, "--generations", "1"}).code ==
      0);
  NumpyRandom random(1);
  std::vector<Genes> raw(10, Genes(28));
  for (Genes& genes : raw)
    for (std::int8_t& gene : genes) gene = std::int8_t(random.randint(8));
  CHECK(raw[0] == Genes{5, 3, 4, 0, 7, 1, 3, 5, 7, 0, 0, 1, 4, 7, 5, 4, 6, 1, 2, 4, 6, 5, 2, 4, 3, 4, 2, 4});
  const std::unique_ptr<SearchSpace> space = make_search_space({.name = "darts-cifar"});
  space->repair(raw[0], [&](std::uint32_t n) { return random.randint(n); });
  CHECK(contains(test::read_text(csv), "rank\n\"" + space->text(raw[0]) + "\","));
}

TEST_CASE("the published limit on FLOPs is the default of --max-mflops, and 0 lifts it") {
  const TemporaryDirectory directory;
  const std::string run = directory / "run", csv = directory / "a.csv";
  test::write_fake_run(run, {.space = "mobilenet", .classes = 100, .seed = 3});
  const auto largest_macs = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--supernet", run, "--space", "mobilenet", "--csv", csv, "--gap",
                                         "--generations", "2", "--out", directory.path()});
    const Outcome outcome = searched(arguments);
    REQUIRE(outcome.err == "");
    CHECK(contains(outcome.out, "exact:  no architecture within the limits has a larger angle than "));
    CHECK(contains(outcome.out, "block  operation  channels"));
    std::istringstream lines(test::read_text(csv));
    std::string line;
    std::getline(lines, line);
    std::int64_t largest = 0;
    while (std::getline(lines, line)) {
      std::istringstream fields(line);
      std::string field, macs;
      for (int skipped = 0; skipped < 3; ++skipped) std::getline(fields, field, ',');
      std::getline(fields, macs, ',');
      largest = std::max<std::int64_t>(largest, std::stoll(macs));
    }
    return largest;
  };
  const std::int64_t limited = largest_macs({});
  CHECK(limited > 400'000'000);
  CHECK(limited <= 475'000'000);
  CHECK(largest_macs({"--max-mflops", "0"}) > 475'000'000);
  const Outcome published = searched({"--supernet", run, "--space", "mobilenet", "--compat", "megvii",
                                      "--out", directory.path(), "--json", "-"});
  CHECK(Json::parse(published.out).at("evaluations") == 1000);
  CHECK(Json::parse(published.out).at("seed") == 1);
}
