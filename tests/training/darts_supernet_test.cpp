// The published DARTS SuperNets: names, shapes and counts of their tensors, which operations run, and which
// code runs them.
#include <doctest/doctest.h>

#include <algorithm>

#include "engine/crc32.h"
#include "search/darts/supernet.h"

namespace rlnas::darts {
namespace {

// CRC-32 of the sorted lines "name d0xd1x...", joined by newlines: method.md appendix D.
std::uint32_t crc_of(const SegmentTable& table) {
  std::vector<std::string> lines;
  for (const Segment& segment : table) {
    std::string line = segment.name;
    for (std::size_t d = 0; d < segment.shape.size(); ++d)
      line += (d == 0 ? ' ' : 'x') + std::to_string(segment.shape[d]);
    lines.push_back(std::move(line));
  }
  std::sort(lines.begin(), lines.end());
  std::string all;
  for (const std::string& line : lines) all += (all.empty() ? "" : "\n") + line;
  return crc32_of(all);
}

}  // namespace

TEST_CASE("the DARTS SuperNets have the published tensors") {
  const Supernet cifar(SupernetConfig::cifar()), imagenet(SupernetConfig::imagenet());
  CHECK(cifar.layout().parameters().size() == 3255);
  CHECK(cifar.layout().parameters().element_count() == 2005114);
  CHECK(crc_of(cifar.layout().parameters()) == 0x101e6304u);
  CHECK(imagenet.layout().parameters().size() == 5650);
  CHECK(imagenet.layout().parameters().element_count() == 25624288);
  CHECK(crc_of(imagenet.layout().parameters()) == 0x1e26d8b1u);
}

TEST_CASE("every tensor of a choice says whose it is, and cells lie one behind the other") {
  const Supernet supernet(SupernetConfig::cifar());
  int cell = -1;
  for (const Segment& s : supernet.layout().parameters()) {
    INFO(s.name);
    const bool choice = s.name.find("._ops.") != std::string::npos;
    CHECK((s.edge >= 0) == choice);
    CHECK((s.op >= 0) == choice);
    if (s.name.starts_with("classifier")) continue;
    CHECK(s.cell >= cell);
    cell = s.cell;
    if (choice)
      CHECK(s.name.starts_with("cells." + std::to_string(s.cell) + "._ops." + std::to_string(s.edge) +
                               "._ops." + std::to_string(s.op) + "."));
  }
}

TEST_CASE("sizes that no DARTS SuperNet has end in a usage error") {
  CHECK_THROWS_AS(Supernet({.classes = 0}), Error);
  CHECK_THROWS_AS(Supernet({.channels = 15}), Error);
  CHECK_THROWS_AS(Supernet({.cells = 0}), Error);
}

}  // namespace rlnas::darts
