// The published search on the DARTS and MobileNet spaces against a NumPy re-enactment, and the corrected
// search's bounds there.
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "kernels/check.h"
#include "search/choice_tables.h"
#include "search/evolution.h"
#include "search/mobilenet/space.h"
#include "tests/search/mobilenet_paths.h"
#include "tests/search/scored.h"
#include "tests/support/golden_dir.h"

using namespace rlnas;

namespace {

double stand_in_score(const Genes& genes) {
  int h = 0;
  for (const int gene : genes) h = (31 * h + gene + 1) % 10007;
  return h % 97;
}

using Legal = std::function<bool(const Genes&)>;

class StandInSpace : public EvolutionSpace {
 public:
  StandInSpace(std::vector<int> choices, PublishedSearch search, Legal legal)
      : choices_(std::move(choices)), search_(search), legal_(std::move(legal)) {}
  int gene_count() const override { return int(choices_.size()); }
  int choices(int gene) const override { return choices_[std::size_t(gene)]; }
  PublishedSearch published_search() const override { return search_; }
  bool legal(const Genes& genes) const override { return legal_(genes); }
  double score(const Genes& genes) const { return stand_in_score(genes); }
  std::int64_t macs(const Genes&) const override { return 0; }

 private:
  std::vector<int> choices_;
  PublishedSearch search_;
  Legal legal_;
};

// DARTS' 28 genes with the repair of method.md 2.4: node j of a cell has j + 2 edges, j of them none.
class DartsStandIn final : public StandInSpace {
 public:
  DartsStandIn(int mutation_low, Legal legal)
      : StandInSpace(std::vector<int>(28, 8), PublishedSearch::skip_seen, std::move(legal)),
        mutation_low_(mutation_low) {}
  GeneRange published_mutation_range(int gene) const override {
    return gene < 14 ? GeneRange{mutation_low_, 8} : GeneRange{};
  }
  void repair(Genes& genes, const std::function<std::uint32_t(std::uint32_t)>& below) const override {
    for (int cell = 0; cell < 28; cell += 14) {
      for (int node = 0, first = cell; node < 4; first += node + 2, ++node) {
        std::vector<int> none, live;
        for (int e = first; e < first + node + 2; ++e)
          (genes[std::size_t(e)] == 0 ? none : live).push_back(e);
        const int surplus = int(none.size()) - node;
        if (surplus == 0) continue;
        std::vector<int>& from = surplus > 0 ? none : live;
        for (std::size_t i = from.size(); i-- > 1;) std::swap(from[i], from[below(std::uint32_t(i + 1))]);
        for (int i = 0; i < std::abs(surplus); ++i) {
          genes[std::size_t(from[std::size_t(i)])] = surplus > 0 ? std::int8_t(1 + below(7)) : std::int8_t(0);
        }
      }
    }
  }

 private:
  int mutation_low_;
};

bool all_legal(const Genes&) {
  return true;
}

StandInSpace mobilenet_stand_in() {
  std::vector<int> choices;
  for (const mobilenet::Block& block : mobilenet::kBlocks) choices.push_back(block.options());
  const CountTable flops = stand_alone_counts(mobilenet::space(), {.classes = 1000, .image_size = 224}).macs;
  return {choices, PublishedSearch::count_attempts,
          [flops](const Genes& genes) { return flops.of(genes) <= mobilenet::kPublishedMaxFlops; }};
}

StandInSpace used_up_stand_in() {
  return {{2, 3, 4, 3}, PublishedSearch::count_attempts, [](const Genes& genes) {
            return std::accumulate(genes.begin(), genes.end(), 0) % 3 != 0;
          }};
}

std::vector<std::string> digits(const std::vector<Candidate>& candidates) {
  std::vector<std::string> list;
  for (const Candidate& candidate : candidates) {
    std::string& text = list.emplace_back();
    for (const int gene : candidate.genes) text += std::to_string(gene);
  }
  return list;
}

EvolutionOptions published_options(int population, int top, int mutants, int crossovers, int generations) {
  return {.population = population,
          .top = top,
          .mutants = mutants,
          .crossovers = crossovers,
          .generations = generations,
          .seed = 1,
          .compat = Compat::megvii,
          .label_draws = 0};
}

EvolutionRun check_golden(const char* name, const StandInSpace& space, const EvolutionOptions& options) {
  std::ifstream file(test::golden_file("search_megvii_spaces.json"));
  const nlohmann::json golden = nlohmann::json::parse(file).at(name);
  const EvolutionRun run = test::evolve_scored(space, options);
  CHECK(digits(run.evaluated) == golden.at("evaluated").get<std::vector<std::string>>());
  CHECK(digits(run.top) == golden.at("top").get<std::vector<std::string>>());
  return run;
}

}  // namespace

TEST_CASE("evolution: published run on the MobileNet space") {
  const EvolutionRun run =
      check_golden("mobilenet", mobilenet_stand_in(), published_options(20, 5, 10, 10, 6));
  CHECK(run.acceptance.legal == 20);  // only the first generation draws random ones
  CHECK(run.acceptance.rate() > 0.001);
  CHECK(run.acceptance.rate() < 0.006);
}

TEST_CASE("evolution: published run on MobileNet's order until the space is used up") {
  const EvolutionRun run = check_golden("used_up", used_up_stand_in(), published_options(10, 4, 5, 5, 8));
  CHECK(run.evaluated.size() == 48);
  CHECK(run.generations < 8);
}

TEST_CASE("evolution: published runs on the DARTS spaces") {
  const EvolutionRun cifar =
      check_golden("darts_cifar", DartsStandIn(0, all_legal), published_options(20, 5, 10, 10, 6));
  CHECK(cifar.acceptance.rate() == 1.0);
  const EvolutionRun imagenet = check_golden(
      "darts_imagenet",
      DartsStandIn(1,
                   [](const Genes& genes) { return std::accumulate(genes.begin(), genes.end(), 0) <= 62; }),
      published_options(20, 5, 10, 10, 6));
  CHECK(imagenet.acceptance.rate() < 1.0);
  EvolutionOptions one_parent = published_options(12, 1, 4, 4, 5);
  one_parent.seed = 3;
  check_golden("darts_one_parent", DartsStandIn(0, all_legal), one_parent);
}

TEST_CASE("evolution: corrected, every gene mutates, the reduction cell's included") {
  const DartsStandIn space(1, all_legal);
  EvolutionOptions options = published_options(40, 1, 40, 0, 2);
  options.compat = Compat::none;
  const EvolutionRun run = test::evolve_scored(space, options);
  const Genes parent =  // a copy: the run it is in is gone after this line
      test::evolve_scored(
          space, {.population = 40, .top = 1, .mutants = 40, .crossovers = 0, .generations = 1, .seed = 1})
          .top.front()
          .genes;
  std::set<std::size_t> changed;
  for (std::size_t i = 40; i < run.evaluated.size(); ++i) {
    for (std::size_t g = 0; g < 28; ++g) {
      if (run.evaluated[i].genes[g] != parent[g]) changed.insert(g);
    }
  }
  CHECK(std::any_of(changed.begin(), changed.end(), [](std::size_t g) { return g >= 14; }));
  for (const Candidate& candidate : run.evaluated) {
    Genes repaired = candidate.genes;
    space.repair(repaired, [](std::uint32_t) -> std::uint32_t {
      FAIL("a candidate was not repaired");
      return 0;
    });
    CHECK(repaired == candidate.genes);
  }
}

TEST_CASE("evolution: a used-up or empty space ends a search instead of keeping it busy") {
  for (const Compat compat : {Compat::none, Compat::megvii}) {
    EvolutionOptions options = published_options(10, 4, 5, 5, 50);
    options.compat = compat;
    const EvolutionRun run = test::evolve_scored(used_up_stand_in(), options);
    CHECK(run.evaluated.size() == 48);
    CHECK(run.generations < 50);
    CHECK(run.acceptance.proposals >= run.acceptance.legal);

    const StandInSpace empty({2, 3}, PublishedSearch::count_attempts, [](const Genes&) { return false; });
    CHECK_THROWS_WITH_AS(test::evolve_scored(empty, options),
                         doctest::Contains("no architecture within the limits was found"), Error);
    const StandInSpace empty_darts_like({2, 3}, PublishedSearch::skip_seen,
                                        [](const Genes&) { return false; });
    CHECK_THROWS_AS(test::evolve_scored(empty_darts_like, options), Error);
  }
}
