// The published recipes as the program knows them: every default of every space, and which weights decay.
// After a change of an option or a default, make the pinned texts anew (and read the difference):
//   for s in nasbench201 darts-cifar darts-imagenet mobilenet; do for a in '' --arch=x; do
//     echo "# --space=$s" $a; build/release/apps/rlnas_train --space=$s $a --dump-config
//   done; done > tests/golden/recipes.txt
#include <doctest/doctest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "apps/train_app.h"
#include "search/train_settings.h"
#include "search/trained_network.h"
#include "tests/support/golden_dir.h"

namespace rlnas {
namespace {

const std::vector<std::string> kSpaces{"nasbench201", "darts-cifar", "darts-imagenet", "mobilenet"};

std::string dumped(const std::string& space, const std::string& arch) {
  std::vector<const char*> argv{"rlnas_train", space.c_str()};
  if (!arch.empty()) argv.push_back(arch.c_str());
  argv.push_back("--dump-config");
  std::ostringstream out, err;
  CHECK(train_main(int(argv.size()), argv.data(), out, err) == 0);
  CHECK(err.str() == "");
  return out.str();
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

struct DecayCase {
  const char* space;
  const char* arch;  // null: the SuperNet
  double weight_decay;
  bool norms, classifier;  // whether they decay too
};

}  // namespace

TEST_CASE("--dump-config of every recipe is the pinned text, all lines") {
  std::string all;
  for (const std::string& space : kSpaces)
    for (const std::string arch : {"", "--arch=x"})
      all +=
          "# --space=" + space + (arch.empty() ? "" : " " + arch) + "\n" + dumped("--space=" + space, arch);
  std::ostringstream pinned;
  pinned << std::ifstream(test::golden_file("recipes.txt")).rdbuf();
  const std::vector<std::string> now = lines_of(all), expected = lines_of(pinned.str());
  CHECK(now.size() > 8 * 40);
  CHECK(now.size() == expected.size());
  std::string heading;
  for (std::size_t i = 0; i < std::min(now.size(), expected.size()); ++i) {
    if (now[i].starts_with("# ")) heading = now[i];
    INFO(heading, ", line ", i + 1);
    REQUIRE(now[i] == expected[i]);
  }
}

TEST_CASE(
    "which weights decay, and by how much, in the SuperNet and the stand-alone network of every space") {
  const char* const darts = "5,4 6,0,5 4,0,0,7 0,7,6,0,0 | 5,6 4,0,5 0,6,0,4 0,1,5,0,0";
  const char* const mobilenet = "2 0 -1 2 | 2 0 2 4 | 0 4 4 2 | 4 2 4 2 | 0 0 0 2 | 2";
  for (const DecayCase& c : {DecayCase{"nasbench201", nullptr, 5e-4, true, true},
                             DecayCase{"nasbench201", "#6111", 5e-4, true, true},
                             DecayCase{"darts-cifar", nullptr, 3e-4, true, true},
                             DecayCase{"darts-cifar", darts, 3e-4, true, true},
                             DecayCase{"darts-imagenet", nullptr, 4e-5, false, false},
                             DecayCase{"darts-imagenet", darts, 3e-5, true, true},
                             DecayCase{"mobilenet", nullptr, 4e-5, false, true},
                             DecayCase{"mobilenet", mobilenet, 4e-5, false, true}}) {
    CAPTURE(c.space);
    CAPTURE((c.arch != nullptr));
    TrainConfig config = c.arch == nullptr ? default_train_config(c.space) : default_retrain_config(c.space);
    if (c.arch != nullptr) config.network.arch = c.arch;
    CHECK(config.recipe.weight_decay == c.weight_decay);
    CHECK(step_spec(config, {}).sgd.weight_decay == float(c.weight_decay));
    const std::unique_ptr<TrainedNetwork> space = make_trained_network(config, {.classes = 10});
    // A batch norm is what has running statistics.
    std::set<std::string> of_norms;
    for (const Segment& s : space->layout().statistics()) {
      const std::string norm = s.name.substr(0, s.name.rfind('.'));
      of_norms.insert({norm + ".weight", norm + ".bias"});
    }
    const SegmentTable& table = space->layout().parameters();
    const std::vector<std::uint8_t> decayed = decayed_segments(config, table);
    REQUIRE(decayed.size() == std::size_t(table.size()));
    int norms = 0, classifiers = 0, convolutions = 0;
    for (int s = 0; s < table.size(); ++s) {
      const std::string& name = table[s].name;
      const bool norm = of_norms.contains(name), classifier = name.starts_with("classifier");
      ++(norm ? norms : classifier ? classifiers : convolutions);
      INFO(name);
      CHECK(int(decayed[std::size_t(s)]) == (norm ? c.norms : classifier ? c.classifier : true));
    }
    CHECK(norms > 0);
    CHECK(classifiers == 2);
    CHECK(convolutions > 0);
  }
}

}  // namespace rlnas
