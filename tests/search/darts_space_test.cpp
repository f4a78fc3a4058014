// The DARTS spaces as search sees them.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "engine/mt19937.h"
#include "kernels/check.h"
#include "tests/search/darts_support.h"
#include "tests/search/fake_run.h"
#include "tests/search/scored.h"

using namespace rlnas;
using namespace rlnas::darts;
using namespace rlnas::test;

namespace {

SearchSpace make_space(Preset preset, const Constraint& constraint) {
  const DartsNetwork network = published_supernet(preset);
  return search_space(network, random_sums(published_segments(network), 3), {.constraint = constraint});
}

SearchSpace make_space(Preset preset, std::int64_t max_macs) {
  return make_space(preset, Constraint{.max_macs = max_macs});
}

constexpr std::int64_t kNoLimit = Constraint{}.max_macs;

}  // namespace

TEST_CASE("the space's figures are those of the table and the counts") {
  const SearchSpace space = make_space(Preset::imagenet, kNoLimit);
  CHECK(space.name() == "darts-imagenet");
  CHECK(make_space(Preset::cifar, kNoLimit).name() == "darts-cifar");
  const Genes genes = space.parse(kRlnasCifar);
  CHECK(genes == Genes{5, 4, 6, 0, 5, 4, 0, 0, 7, 0, 7, 6, 0, 0, 5, 6, 4, 0, 5, 0, 6, 0, 4, 0, 1, 5, 0, 0});
  CHECK(space.text(genes) == kRlnasCifar);
  CHECK(space.macs(genes) == 629123864);
  CHECK(space.params(genes) == 5674720);
  CHECK(space.angle_vector_length(genes) == 11759200);
  CHECK(space.angle_rad(genes) == rlnas::angle_rad(space.angle_sums(genes)));
  double op_angles = 0.0;
  for (int gene = 0; gene < kGeneCount; ++gene)
    op_angles += space.angle_table().choices.at(gene, genes[std::size_t(gene)]).op_angle_rad;
  CHECK(space.op_angle_sum(genes) == op_angles);
  CHECK(space.drawing(genes).find("node 2 = sep_conv_5x5(cell k-2)") != std::string::npos);
  CHECK(architecture_of_genes(genes) == parse_architecture(kRlnasCifar));
  CHECK_THROWS_AS(space.angle_rad(Genes(27)), Error);
  CHECK_THROWS_AS(space.angle_rad(Genes(28, 8)), Error);
  CHECK_THROWS_AS(space.angle_rad(Genes(28, -1)), Error);
}

TEST_CASE("legal: two inputs a node, and FLOPs and parameters within the limits") {
  const SearchSpace capped = make_space(Preset::imagenet, 600'000'000);
  CHECK(capped.legal(capped.parse(kRlnasImagenet)));
  CHECK_FALSE(capped.legal(capped.parse(kRlnasCifar)));  // 629 M
  const SearchSpace exact = make_space(Preset::imagenet, 596750936);
  CHECK(exact.legal(exact.parse(kRlnasImagenet)));
  const SearchSpace below = make_space(Preset::imagenet, 596750935);
  CHECK_FALSE(below.legal(below.parse(kRlnasImagenet)));
  const Genes published = capped.parse(kRlnasImagenet);
  CHECK_FALSE(make_space(Preset::imagenet, Constraint{.max_params = 5463615}).legal(published));
  CHECK(make_space(Preset::imagenet, Constraint{.max_params = 5463616}).legal(published));
  Genes three_inputs = published;
  three_inputs[2] = 1;
  CHECK_FALSE(capped.legal(three_inputs));
  CHECK_THROWS_WITH_AS(make_space(Preset::imagenet, 100), doctest::Contains("--max-mflops"), Error);
  CHECK_THROWS_WITH_AS(make_space(Preset::imagenet, Constraint{.max_params = 100}),
                       doctest::Contains("--max-params"), Error);
}

TEST_CASE("mutation as published leaves the reduction cell alone, and on ImageNet never draws none") {
  const SearchSpace cifar = make_space(Preset::cifar, kNoLimit),
                    imagenet = make_space(Preset::imagenet, kNoLimit);
  for (int gene = 0; gene < 14; ++gene) {
    CHECK(cifar.published_mutation_range(gene).low == 0);
    CHECK(imagenet.published_mutation_range(gene).low == 1);
    CHECK(cifar.published_mutation_range(gene).high == 8);
    CHECK(imagenet.published_mutation_range(gene).high == 8);
  }
  for (int gene = 14; gene < 28; ++gene) {
    CHECK(cifar.published_mutation_range(gene).low >= cifar.published_mutation_range(gene).high);
    CHECK(imagenet.published_mutation_range(gene).low >= imagenet.published_mutation_range(gene).high);
  }
}

TEST_CASE("evolution runs on the space: legal candidates, each once, both cells evolving") {
  const SearchSpace space = make_space(Preset::imagenet, 500'000'000);
  for (const Compat compat : {Compat::none, Compat::megvii}) {
    EvolutionOptions options{.population = 50,
                             .top = 10,
                             .mutants = 25,
                             .crossovers = 25,
                             .generations = 20,
                             .seed = 1,
                             .compat = compat,
                             .label_draws = 0};
    const EvolutionRun run = test::evolve_scored(space, options);
    CHECK(run.evaluated.size() == 1000);
    std::set<Genes> unique, reduce_cells;
    for (const Candidate& candidate : run.evaluated) {
      REQUIRE(space.legal(candidate.genes));
      unique.insert(candidate.genes);
    }
    CHECK(unique.size() == 1000);
    CHECK(run.top.front().score > run.evaluated.front().score);
  }
}

TEST_CASE("raw candidates of the published search, seed 1, before and after repair") {
  NumpyRandom random(1);
  Genes genes(28);
  for (std::int8_t& gene : genes) gene = std::int8_t(random.randint(8));
  CHECK(genes == Genes{5, 3, 4, 0, 7, 1, 3, 5, 7, 0, 0, 1, 4, 7, 5, 4, 6, 1, 2, 4, 6, 5, 2, 4, 3, 4, 2, 4});
  const SearchSpace space = make_space(Preset::cifar, kNoLimit);
  Genes repaired = genes;
  space.repair(repaired, [&](std::uint32_t n) { return random.randint(n); });
  CHECK(space.legal(repaired));
  int changed = 0;
  for (std::size_t g = 0; g < genes.size(); ++g) changed += genes[g] != repaired[g] ? 1 : 0;
  CHECK(changed == 9);  // nodes 4 and 5 of the normal cell 2 and 1, nodes 3, 4 and 5 of the other 1, 2 and 3
  Genes again = repaired;
  space.repair(again, [](std::uint32_t) -> std::uint32_t {
    FAIL("nothing to draw");
    return 0;
  });
  CHECK(again == repaired);
}
