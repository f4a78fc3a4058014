// Drawings of architectures of every space.
#include <doctest/doctest.h>

#include <algorithm>

#include "search/report/architecture_svg.h"
#include "tests/report/report_support.h"
#include "tests/support/errors.h"
#include "tests/support/golden_dir.h"

using namespace rlnas;
using test::contains;
using test::occurrences;

TEST_CASE("a cell's drawing has an arc for each operation but none, pale where no path leads over it") {
  const Space& space = find_space("nasbench201");
  const std::string html = architecture_svg(
      space, space.parse("|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|none~1|none~2|"));
  CHECK(test::unbalanced(html) == "");
  CHECK(occurrences(html, "<g class=\"edge") == 3);
  CHECK(occurrences(html, " dead\"><path") == 2);  // node 2 leads nowhere
  CHECK(occurrences(html, "class=\"node") == 4);
  CHECK(contains(html, ">nor_conv_3x3</text>"));
  CHECK(!contains(html, ">none</text>"));
}

TEST_CASE("every architecture of every space is drawn whole") {
  for (const Space* space : all_spaces())
    for (const Genes& genes : space->angle_sample(20)) {
      const std::string html = architecture_svg(*space, genes);
      CHECK(test::unbalanced(html) == "");
      CHECK(occurrences(html, "<svg") == std::max(1, int(space->cells().size())));
      if (space->cells().empty()) CHECK(occurrences(html, "<g class=\"block") == space->gene_count());
    }
}

TEST_CASE("a space of a file is drawn with the names of its own operations") {
  const Space& space = find_space(test::shipped_space("resnet"));
  const std::string html = architecture_svg(space, Genes{4, 0, 1, 2, 3, 0, 0, 1, 1, 2, 2});
  CHECK(test::unbalanced(html) == "");
  CHECK(occurrences(html, "<g class=\"block") == 11);
  CHECK(contains(html, ">wide5</text>"));
  CHECK(contains(html, " dead\"><title>block 0: skip"));
}

TEST_CASE("places and choices have names in every space") {
  for (const Space* space : all_spaces())
    for (int gene = 0; gene < space->gene_count(); ++gene) {
      CHECK(!space->place_name(gene).empty());
      for (int choice = 0; choice < space->choices(gene); ++choice)
        CHECK(!space->choice_name(gene, choice).empty());
    }
  CHECK(find_space("nasbench201").place_name(5) == "output <- node 2");
  CHECK(find_space("nasbench201").choice_name(5, 3) == "nor_conv_3x3");
  CHECK(find_space("darts-cifar").place_name(14) == "node 2 <- cell k-2");
  CHECK(find_space("mobilenet").choice_name(3, 6) == "identity");
}
