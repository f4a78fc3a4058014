#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "kernels/check.h"
#include "search/evolution.h"
#include "search/exhaustive.h"
#include "search/nasbench201/space.h"
#include "search/spaces.h"
#include "tests/search/random_weights.h"
#include "tests/search/scored.h"
#include "tests/support/golden_dir.h"

using namespace rlnas;

namespace {

// NAS-Bench-201's genes under a score of the enumeration index.
class IndexSpace final : public EvolutionSpace {
 public:
  using Score = std::function<double(int)>;
  explicit IndexSpace(Score score, std::function<bool(int)> legal = {})
      : score_(std::move(score)), legal_(std::move(legal)) {}
  int gene_count() const override { return 6; }
  int choices(int) const override { return 5; }
  GeneRange published_mutation_range(int) const override { return {1, 5}; }
  bool legal(const Genes& genes) const override { return !legal_ || legal_(index(genes)); }
  double score(const Genes& genes) const { return score_(index(genes)); }
  std::int64_t macs(const Genes&) const override { return 0; }
  static int index(const Genes& genes) {
    return nasbench201::enumeration_index(nasbench201::cell_of_genes(genes));
  }

 private:
  Score score_;
  std::function<bool(int)> legal_;
};

// Two genes of different sizes that must differ: the second is redrawn until it does.
class RepairSpace final : public EvolutionSpace {
 public:
  int gene_count() const override { return 2; }
  int choices(int gene) const override { return gene == 0 ? 4 : 7; }
  void repair(Genes& genes, const std::function<std::uint32_t(std::uint32_t)>& below) const override {
    while (genes[0] == genes[1]) genes[1] = std::int8_t(below(7));
  }
  bool legal(const Genes&) const override { return true; }
  double score(const Genes& genes) const { return genes[0] * 10 + genes[1]; }
  std::int64_t macs(const Genes&) const override { return 0; }
};

std::vector<int> indices(const std::vector<Candidate>& candidates) {
  std::vector<int> list;
  for (const Candidate& c : candidates) list.push_back(IndexSpace::index(c.genes));
  return list;
}

// NAS-Bench-201 under the angles of random weights.
std::unique_ptr<SearchSpace> random_space(std::uint64_t seed, const Constraint& constraint = {}) {
  const std::string name = nasbench201::space().name();
  const SegmentTable segments = supernet_segments(name, 10);
  return make_search_space({.name = name, .constraint = constraint},
                           test::plain_sums(segments, test::random_weights(segments, seed)));
}

}  // namespace

TEST_CASE("compat megvii evaluates the very cells the published search would") {
  std::ifstream file(test::golden_file("search_megvii_evolution.json"));
  const auto golden = nlohmann::json::parse(file);
  EvolutionOptions options;
  options.compat = Compat::megvii;
  const IndexSpace space([](int index) { return double(index * 7919 % 997); });
  const EvolutionRun run = test::evolve_scored(space, options);
  CHECK(indices(run.evaluated) == golden.at("evaluated").get<std::vector<int>>());
  CHECK(indices(run.top) == golden.at("top").get<std::vector<int>>());
  // The first candidates of method.md 15.6.
  CHECK(run.evaluated[0].genes == Genes{1, 0, 4, 4, 2, 2});
  CHECK(run.evaluated[1].genes == Genes{1, 1, 1, 1, 3, 1});
  CHECK(run.evaluated[2].genes == Genes{4, 2, 4, 2, 4, 4});
}

TEST_CASE("a search evaluates generations * population architectures, each once") {
  for (const Compat compat : {Compat::none, Compat::megvii}) {
    EvolutionOptions options;
    options.compat = compat;
    const EvolutionRun run = test::evolve_scored(IndexSpace([](int index) { return index % 1000; }), options);
    const std::vector<int> list = indices(run.evaluated);
    CHECK(list.size() == 2000);
    CHECK(std::set<int>(list.begin(), list.end()).size() == 2000);
    CHECK(run.top.size() == 30);
    CHECK(run.generations == 20);
  }
}

TEST_CASE("corrected mutation reaches none, published mutation does not") {
  // One parent without none, mutation only: every later child with a none was mutated into it.
  for (const Compat compat : {Compat::none, Compat::megvii}) {
    EvolutionOptions options;
    options.compat = compat;
    options.population = options.mutants = 20;
    options.crossovers = 0;
    options.top = 1;
    options.generations = 4;
    const IndexSpace space([](int index) { return index == 15624 ? 2.0 : index % 5 != 0 ? 1.0 : 0.0; });
    const EvolutionRun run = test::evolve_scored(space, options);
    const Genes& parent = run.top[0].genes;
    int new_nones = 0, children = 0;
    for (std::size_t i = 20; i < run.evaluated.size(); ++i) {
      const Genes& genes = run.evaluated[i].genes;
      int changed = 0, nones = 0;
      for (std::size_t g = 0; g < 6; ++g) {
        changed += genes[g] != parent[g];
        nones += genes[g] == 0 && parent[g] != 0;
      }
      if (changed > 3) continue;  // a child of an earlier parent
      ++children;
      new_nones += nones;
    }
    CHECK(children > 10);
    if (compat == Compat::none) CHECK(new_nones > 0);
    if (compat == Compat::megvii) CHECK(new_nones == 0);
  }
}

TEST_CASE("evolution finds the exhaustive optimum of NAS-Bench-201") {
  int found = 0;
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    const auto space = random_space(seed);
    std::vector<Candidate> all = test::exhaustive_scored(*space);
    CHECK(all.size() == 15625);
    rank_candidates(all, Compat::none);
    EvolutionOptions options;
    options.seed = seed;
    found += test::evolve_scored(*space, options).top[0] == all[0] ? 1 : 0;
    options.compat = Compat::megvii;
    CHECK(test::evolve_scored(*space, options).top[0].score >= all[30].score);
  }
  CHECK(found == 6);
}

TEST_CASE("equal seeds give equal searches, other seeds others") {
  const auto space = random_space(1);
  EvolutionOptions options;
  const EvolutionRun one = test::evolve_scored(*space, options), two = test::evolve_scored(*space, options);
  CHECK(one.evaluated == two.evaluated);
  options.seed = 1;
  CHECK(test::evolve_scored(*space, options).evaluated != one.evaluated);
}

TEST_CASE("a search that stopped at any generation goes on as if it had not") {
  const auto space = random_space(2);
  for (const Compat compat : {Compat::none, Compat::megvii}) {
    EvolutionOptions options;
    options.compat = compat;
    std::vector<std::vector<Candidate>> saved;
    const EvolutionRun whole = test::evolve_scored(
        *space, options, {}, [&](const EvolutionRun& run) { saved.push_back(run.evaluated); });
    REQUIRE(saved.size() == 20);
    for (const std::size_t stop : {0u, 7u, 18u, 19u}) {
      const EvolutionRun resumed = test::evolve_scored(*space, options, saved[stop]);
      CHECK(resumed.evaluated == whole.evaluated);
      CHECK(resumed.top == whole.top);
    }
    // The saved scores are used, not computed again.
    const IndexSpace wrong([](int) { return -1.0; });
    CHECK(test::evolve_scored(wrong, options, whole.evaluated).top == whole.top);
    options.seed = 5;
    CHECK_THROWS_AS(test::evolve_scored(*space, options, saved[3]), Error);
  }
}

TEST_CASE("equal scores: fewer MACs first, then the lower index") {
  std::vector<Candidate> list{{{3}, 1.0, 50}, {{2}, 1.0, 40}, {{1}, 1.0, 40}, {{0}, 2.0, 90}};
  std::vector<Candidate> stable = list;
  rank_candidates(list, Compat::none);
  CHECK(list == std::vector<Candidate>{{{0}, 2.0, 90}, {{1}, 1.0, 40}, {{2}, 1.0, 40}, {{3}, 1.0, 50}});
  rank_candidates(stable, Compat::megvii);
  CHECK(stable == std::vector<Candidate>{{{0}, 2.0, 90}, {{3}, 1.0, 50}, {{2}, 1.0, 40}, {{1}, 1.0, 40}});
}

TEST_CASE("limits on MACs and parameters hold for every candidate, and the optimum within them is found") {
  const Constraint limits{.max_macs = 80'000'000, .max_params = 500'000};
  const CountTable macs = stand_alone_counts(nasbench201::space(), {.classes = 10, .image_size = 32}).macs;
  const CountTable params =
      stand_alone_counts(nasbench201::space(), {.classes = 10, .image_size = 32}).params;
  const auto space = random_space(4, limits);
  std::vector<Candidate> all = test::exhaustive_scored(*space);
  rank_candidates(all, Compat::none);
  CHECK(all.size() < 15625);
  for (const Compat compat : {Compat::none, Compat::megvii}) {
    EvolutionOptions options;
    options.compat = compat;
    const EvolutionRun run = test::evolve_scored(*space, options);
    for (const Candidate& c : run.evaluated) {
      REQUIRE(macs.of(c.genes) <= limits.max_macs);
      REQUIRE(params.of(c.genes) <= limits.max_params);
    }
    if (compat == Compat::none) CHECK(run.top[0] == all[0]);
  }
}

TEST_CASE("every loop ends: a space with few or no legal architectures") {
  for (const Compat compat : {Compat::none, Compat::megvii}) {
    EvolutionOptions options;
    options.compat = compat;
    const auto score = [](int index) { return double(index); };
    const IndexSpace few(score, [](int index) { return index % 1250 == 3; });
    const EvolutionRun run = test::evolve_scored(few, options);
    CHECK(run.evaluated.size() == 13);
    CHECK(IndexSpace::index(run.top[0].genes) == 15003);
    const IndexSpace none(score, [](int) { return false; });
    CHECK_THROWS_WITH_AS(test::evolve_scored(none, options),
                         doctest::Contains("random ones: raise --max-mflops or --max-params"), Error);
    CHECK_THROWS_AS(test::exhaustive_scored(none), Error);
  }
  CHECK_THROWS_WITH_AS(random_space(0, {.max_macs = 7'000'000}),
                       "--max-mflops 7: the smallest architecture has 7.78305 MFLOPs", Error);
  CHECK_THROWS_AS(random_space(0, {.max_params = 1000}), Error);
}

TEST_CASE("genes may differ in size and need repair") {
  for (const Compat compat : {Compat::none, Compat::megvii}) {
    EvolutionOptions options;
    options.compat = compat;
    options.population = 6;
    options.top = 3;
    options.mutants = options.crossovers = 3;
    options.generations = 50;
    const EvolutionRun run = test::evolve_scored(RepairSpace(), options);
    CHECK(run.top[0].genes == Genes{3, 6});
    for (const Candidate& c : run.evaluated) CHECK(c.genes[0] != c.genes[1]);
    CHECK(run.evaluated.size() <= 24);
  }
}

TEST_CASE("options out of range are refused") {
  const IndexSpace space([](int index) { return double(index); });
  const auto refused = [&](auto change) {
    EvolutionOptions options;
    change(options);
    CHECK_THROWS_AS(test::evolve_scored(space, options), Error);
  };
  refused([](EvolutionOptions& o) { o.population = 0; });
  refused([](EvolutionOptions& o) { o.top = 0; });
  refused([](EvolutionOptions& o) { o.generations = 0; });
  refused([](EvolutionOptions& o) { o.mutants = -1; });
  refused([](EvolutionOptions& o) { o.crossovers = 51; });
  refused([](EvolutionOptions& o) { o.mutants = o.crossovers = std::numeric_limits<int>::max(); });
  refused([](EvolutionOptions& o) { o.mutation_probability = 1.5; });
  refused([](EvolutionOptions& o) {
    o.compat = Compat::megvii;
    o.seed = std::uint64_t{1} << 32;
  });
}
