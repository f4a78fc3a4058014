// Which architectures are the same network.
#include "search/network_classes.h"

#include <doctest/doctest.h>

#include <map>
#include <set>

#include "search/spaces.h"

using namespace rlnas;

namespace {

const Space& cells() {
  return find_space("nasbench201");
}

std::string expression(const std::string& arch) {
  return expression_of(cells().cells().front(), cells().parse(arch));
}

}  // namespace

TEST_CASE("what does nothing in a cell is not in its expression") {
  const std::string all = "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|nor_conv_1x1~1|none~2|";
  CHECK(expression(all) == "nor_conv_1x1(nor_conv_3x3(a))");
  // An edge that leads nowhere, one that carries nothing, and a skip connection in front instead of behind.
  CHECK(expression("|nor_conv_3x3~0|+|avg_pool_3x3~0|none~1|+|none~0|nor_conv_1x1~1|none~2|") ==
        "nor_conv_1x1(nor_conv_3x3(a))");
  CHECK(expression("|nor_conv_3x3~0|+|none~0|none~1|+|none~0|nor_conv_1x1~1|nor_conv_3x3~2|") ==
        "nor_conv_1x1(nor_conv_3x3(a))");
  CHECK(expression("|skip_connect~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|nor_conv_1x1~2|") ==
        "nor_conv_1x1(nor_conv_3x3(a))");
  CHECK(expression("|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|") ==
        "nor_conv_1x1(nor_conv_3x3(a))");
  // The order of a sum's terms, wherever they come from.
  CHECK(expression("|nor_conv_3x3~0|+|avg_pool_3x3~0|none~1|+|none~0|skip_connect~1|skip_connect~2|") ==
        expression("|avg_pool_3x3~0|+|nor_conv_3x3~0|none~1|+|none~0|skip_connect~1|skip_connect~2|"));
  // But two edges that compute the same have weights of their own.
  CHECK(expression("|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|none~0|skip_connect~1|skip_connect~2|") ==
        "nor_conv_3x3(a)+nor_conv_3x3(a)");
  CHECK(expression("|none~0|+|none~0|nor_conv_3x3~1|+|none~0|nor_conv_1x1~1|none~2|").empty());
}

TEST_CASE(
    "nasbench201 has 4930 different networks, representatives are of their class, once, and without dead "
    "edges") {
  const NetworkClasses classes(cells());
  // The benchmark's own string of a cell keeps empty terms and does not open the sum that a skip connection
  // hands on: it tells 6,466 apart.
  CHECK(classes.count() == 4930);
  std::map<std::string, Genes> seen;
  const CellSpec& cell = cells().cells().front();
  const CellPathTable paths(cell);
  for (std::int64_t i = 0; i < 15625; ++i) {
    const Genes genes = genes_at(cells(), i), one = classes.representative(genes);
    REQUIRE(expression_of(cell, one) == expression_of(cell, genes));
    REQUIRE(classes.representative(one) == one);
    const auto [place, is_new] = seen.try_emplace(expression_of(cell, genes), one);
    REQUIRE(place->second == one);
    for (std::size_t edge = 0; edge < one.size(); ++edge)
      if (one[edge] != cell.of(edge).none) REQUIRE(paths.multiplicity(one)[edge] > 0);
  }
  CHECK(seen.size() == 4930);
}

TEST_CASE("in a space too large to enumerate every architecture is its own network") {
  for (const char* name : {"darts-cifar", "mobilenet"}) {
    const Space& space = find_space(name);
    const NetworkClasses classes(space);
    CHECK(classes.count() == 0);
    const Genes largest = space.largest();
    CHECK(classes.representative(largest) == largest);
  }
}
