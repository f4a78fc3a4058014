#include <doctest/doctest.h>

#include <string>

#include "engine/crc32.h"
#include "kernels/check.h"
#include "search/nasbench201/cell.h"
#include "tests/support/errors.h"

using namespace rlnas;
using namespace rlnas::nasbench201;

namespace {

std::string error_of(const std::string& text) {
  return test::error_of(ErrorCode::usage, [&] { parse_cell(text); });
}

template <class CellOf>
std::uint32_t crc_of_all(CellOf cell_of) {
  std::string text;
  for (int i = 0; i < kSpaceSize; ++i) text += (i == 0 ? "" : "\n") + to_string(cell_of(i));
  return crc32_of(text);
}

}  // namespace

TEST_CASE("all cells in enumeration and in benchmark order match the published lists") {
  CHECK(crc_of_all(cell_at) == 0x2aba72b9u);
  CHECK(crc_of_all(cell_of_benchmark) == 0xbe66adf1u);
}

TEST_CASE("the three names of a cell lead to the same cell") {
  for (int i = 0; i < kSpaceSize; i += 7) {
    const Cell cell = cell_at(i);
    CHECK(enumeration_index(cell) == i);
    CHECK(cell_of_benchmark(benchmark_index(cell)) == cell);
    CHECK(parse_cell(to_string(cell)) == cell);
    CHECK(parse_cell("enum:" + std::to_string(i)) == cell);
    CHECK(parse_cell(std::to_string(benchmark_index(cell))) == cell);
    CHECK(parse_cell("#" + std::to_string(benchmark_index(cell))) == cell);
  }
}

TEST_CASE("named benchmark entries") {
  CHECK(to_string(cell_of_benchmark(0)) ==
        "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|");
  CHECK(to_string(cell_of_benchmark(1)) ==
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|");
  CHECK(to_string(cell_of_benchmark(11472)) ==
        "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|skip_connect~2|");
  Cell cell;
  cell.ops.fill(Op::nor_conv_3x3);
  CHECK(benchmark_index(cell) == 1462);
  cell.ops.fill(Op::skip_connect);
  CHECK(benchmark_index(cell) == 1835);
  CHECK(benchmark_index(Cell{}) == 1651);
}

TEST_CASE("a malformed architecture says what is wrong and where") {
  const std::string valid = to_string(cell_of_benchmark(0));
  for (std::size_t cut = 1; cut < valid.size(); ++cut) {
    const std::string message = error_of(valid.substr(0, cut));
    CHECK(message.find("at character") != std::string::npos);
  }
  CHECK(error_of(valid + "x").find("unexpected text after the last") != std::string::npos);
  CHECK(error_of("").find("give a NAS-Bench-201 string") != std::string::npos);
  CHECK(error_of("15625").find("is not in 0..15624") != std::string::npos);
  CHECK(error_of("-1").find("is not in 0..15624") != std::string::npos);
  CHECK(error_of("enum:15625").find("enumeration index 15625") != std::string::npos);
  CHECK(error_of("enum:").find("is not an index") != std::string::npos);
  CHECK(error_of("#1x").find("'1x' is not an index") != std::string::npos);
  CHECK(error_of("99999999999999").find("is not an index") != std::string::npos);
  CHECK(error_of("hello").find("at character 1: expected '|'") != std::string::npos);
  CHECK(error_of("|conv~0|").find("unknown operation 'conv' on edge 1<-0") != std::string::npos);
  CHECK(error_of("|none~1|").find("at character 7: expected '0'") != std::string::npos);
  CHECK(error_of("|none~0||none~0|").find("expected '+' before node 2") != std::string::npos);
}
