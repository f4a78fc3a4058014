// Indicators of networks with fresh weights against PyTorch in double precision (indicator_golden.py). This
// engine computes features and gradients in single precision. How far that alone takes a value is what
// `indicator_golden.py precision` prints; tolerances are about ten times that, and no less than what nine
// printed digits and sums of floats in another order (a few 1e-7) make of it.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>

#include "tests/indicators/golden_networks.h"
#include "tests/support/golden_dir.h"

namespace rlnas::golden {
namespace {

constexpr double kNothing = -std::numeric_limits<double>::infinity();

struct Tolerance {
  double relative = 0.0, absolute = 0.0;
};

// Prints the largest difference of each value with the environment variable, for whoever sets tolerances.
void check(const std::string& name, double mine, double golden, Tolerance tolerance) {
  CAPTURE(name);
  CAPTURE(mine);
  CAPTURE(golden);
  if (!std::isfinite(golden) || !std::isfinite(mine)) {
    CHECK(mine == golden);
    return;
  }
  const double difference = std::abs(mine - golden);
  if (std::getenv("RLNAS_SHOW_DIFFERENCES") != nullptr)
    MESSAGE(name, " ", mine, " differs by ", difference, ", relatively ", difference / std::abs(golden));
  CHECK(difference <= tolerance.relative * std::abs(golden) + tolerance.absolute);
}

const auto kAll = [](const Json&) { return true; };
bool has_live_path(const Json& architecture) {
  return architecture["about"] != "no live path";
}

// What is left of AZ-NAS where features that the network only hands on are left out: the pairs whose singular
// value the file has.
struct ChangedPairs {
  double progressivity = std::numeric_limits<double>::infinity(), trainability = 0.0;

  explicit ChangedPairs(const Json& architecture) {
    int pairs = 0;
    for (std::size_t l = 0; l < architecture["singular_values"].size(); ++l) {
      const double s = number(architecture["singular_values"][l]);
      if (std::isnan(s)) continue;
      const Json& entropies = architecture["entropies"];
      progressivity = std::min(progressivity, number(entropies[l + 1]) - number(entropies[l]));
      trainability += -s - 1.0 / (s + 1e-6) + 2.0;
      ++pairs;
    }
    trainability /= pairs;
  }
};

}  // namespace

TEST_CASE("the numbers of the golden networks are those of the script") {
  const Json golden = Json::parse(std::ifstream(test::golden_file("indicator_golden.json")));
  for (const auto& [name, values] : golden["hashes"].items())
    for (std::uint64_t i = 0; i < values["uniform"].size(); ++i) {
      check("uniform", hashed_uniform(i, name), values["uniform"][i], {1e-8});
      check("normal", hashed_normal(i, name), values["normal"][i], {1e-8});
    }
}

TEST_CASE("golden networks have the logits and layers of the script's") {
  visit(kAll, [](Group& group, const Json& architecture) {
    CAPTURE(group.title());
    CAPTURE(architecture["about"].get<std::string>());
    const Genes genes = group.without_idle_edges(genes_of(architecture));
    if (architecture.contains("layers")) CHECK(group.layers(genes) == architecture["layers"].get<int>());
    if (!architecture.contains("logits")) return;
    const std::vector<float> logits = group.logits(genes);
    double largest = 0.0;
    for (const Json& logit : architecture["logits"])
      largest = std::max(largest, std::abs(logit.get<double>()));
    for (std::size_t k = 0; k < logits.size(); ++k)
      check("logit", logits[k], architecture["logits"][k], {0.0, largest * (group.is_deep() ? 1e-3 : 3e-5)});
  });
}

TEST_CASE("AZ-NAS's three indicators are the script's") {
  visit(kAll, [](Group& group, const Json& architecture) {
    if (!architecture.contains("az-expressivity")) return;
    CAPTURE(group.title());
    CAPTURE(architecture["about"].get<std::string>());
    const std::vector<double> mine = group.measure({"az-expressivity", "az-progressivity", "az-trainability"},
                                                   group.without_idle_edges(genes_of(architecture)));
    double progressivity = number(architecture["az-progressivity"]);
    double trainability = number(architecture["az-trainability"]);
    // A chain's identities are left out; of a network that nothing runs through nothing is said, where the
    // script has a value for gradients of zero.
    if (group.space().cells().empty()) {
      const ChangedPairs changed(architecture);
      progressivity = changed.progressivity;
      trainability = changed.trainability;
    }
    if (!has_live_path(architecture)) trainability = kNothing;
    check("az-expressivity", mine[0], number(architecture["az-expressivity"]), {5e-7});
    check("az-progressivity", mine[1], progressivity, {0.0, 3e-6});
    check("az-trainability", mine[2], trainability, {group.is_deep() ? 4e-4 : 1e-6});
  });
}

TEST_CASE("SynFlow is the script's, with every activation the identity") {
  visit(kAll, [](Group& group, const Json& architecture) {
    if (!architecture.contains("synflow")) return;
    CAPTURE(group.title());
    CAPTURE(architecture["about"].get<std::string>());
    const bool clips = architecture.contains("synflow unclipped");
    const double golden = std::log(number(architecture[clips ? "synflow unclipped" : "synflow"]));
    // In double precision from weights that are floats: of the sum itself.
    check("synflow", group.measure({"synflow"}, group.without_idle_edges(genes_of(architecture)))[0], golden,
          {0.0, 1e-7});
  });
}

// ZiCo divides by differences of two gradients, of which some are of the size of rounding: the next case has
// more batches. SWAP counts.
struct Further {
  const char* indicator;
  const char* key;
  Tolerance tolerance;
};
constexpr Further kFurther[] = {
    {"naswot", "naswot", {2.5e-7}},
    {"jacov", "jacov", {1.5e-6}},
    {"grad-norm", "grad-norm", {1e-6}},
    {"snip", "snip", {6e-7}},
    {"zico", "zico", {3e-2}},
    {"grad-sign", "grad-sign", {2e-4}},
    {"gradient-snr", "gradient-snr", {4e-4}},
    {"swap", "swap", {}},
};

TEST_CASE("the other indicators are the script's") {
  visit(kAll, [](Group& group, const Json& architecture) {
    CAPTURE(group.title());
    CAPTURE(architecture["about"].get<std::string>());
    const Genes genes = group.without_idle_edges(genes_of(architecture));
    for (const Further& further : kFurther)
      if (architecture.contains(further.key))
        check(further.indicator, group.measure({further.indicator}, genes)[0],
              has_live_path(architecture) ? number(architecture[further.key]) : kNothing, further.tolerance);
  });
}

TEST_CASE("ZiCo of eight batches is the script's") {
  visit(kAll, [](Group& group, const Json& architecture) {
    if (!architecture.contains("zico of 8") || !has_live_path(architecture)) return;
    CAPTURE(group.title());
    CAPTURE(architecture["about"].get<std::string>());
    check("zico of 8", group.zico(group.without_idle_edges(genes_of(architecture)), 8),
          number(architecture["zico of 8"]), {5e-5});
  });
}

TEST_CASE("VKDNW is the script's: tensors and entropy") {
  visit(kAll, [](Group& group, const Json& architecture) {
    if (!architecture.contains("vkdnw-entropy")) return;
    CAPTURE(group.title());
    CAPTURE(architecture["about"].get<std::string>());
    const double mine = group.measure({"vkdnw"}, group.without_idle_edges(genes_of(architecture)))[0];
    if (!has_live_path(architecture)) {
      CHECK(mine == kNothing);
      return;
    }
    CHECK(std::floor(mine) == number(architecture["vkdnw-tensors"]));
    check("vkdnw-entropy", (mine - std::floor(mine)) * std::log(10.0), number(architecture["vkdnw-entropy"]),
          {8e-6});
  });
}

// Of an image of 32 x 32 pixels.
TEST_CASE("MeCo is the script's") {
  visit([](const Json& about) { return about["size"] == 16; },
        [](Group& group, const Json& architecture) {
          if (!architecture.contains("meco")) return;
          CAPTURE(group.title());
          CAPTURE(architecture["about"].get<std::string>());
          Group& larger = group.with_size(32);
          check("meco", larger.measure({"meco"}, group.without_idle_edges(genes_of(architecture)))[0],
                has_live_path(architecture) ? number(architecture["meco"]) : kNothing, {4e-7});
        });
}

}  // namespace rlnas::golden
