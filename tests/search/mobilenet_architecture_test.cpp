#include <doctest/doctest.h>

#include <string>

#include "kernels/check.h"
#include "search/mobilenet/architecture.h"
#include "tests/support/errors.h"

using namespace rlnas;
using namespace rlnas::mobilenet;
using test::contains;

namespace {

constexpr const char* kPublished = "2 0 -1 2 | 2 0 2 4 | 0 4 4 2 | 4 2 4 2 | 0 0 0 2 | 2";

std::string error_of(const std::string& text) {
  return test::error_of(ErrorCode::usage, [&] { parse_architecture(text); });
}

}  // namespace

TEST_CASE("mobilenet: 21 blocks, 15 of which may be left out") {
  int may_be_left_out = 0;
  for (std::size_t b = 0; b < kBlockCount; ++b) {
    may_be_left_out += kBlocks[b].options() == kOpCount;
    CHECK(kBlocks[b].opens_stage == (b % 4 == 0));
    CHECK((b == 0 || kBlocks[b].in == kBlocks[b - 1].out));
    const bool same_shape = kBlocks[b].stride == 1 && kBlocks[b].in == kBlocks[b].out;
    CHECK(same_shape == !kBlocks[b].opens_stage);
  }
  CHECK(may_be_left_out == 15);
  CHECK(kBlocks[0].in == 24);
  CHECK(kBlocks[12].in == 112);
  CHECK(kBlocks[12].stride == 1);
  CHECK(kBlocks[16].reduction == 16);
  CHECK(kBlocks[20].reduction == 32);
  CHECK(kBlocks[20].out == 432);
  CHECK(kernel_size(Op::k5e6) == 5);
  CHECK(expansion(Op::k5e6) == 6);
  CHECK(expansion(Op::k7e3) == 3);
}

TEST_CASE("mobilenet: text in and out") {
  const Architecture published = parse_architecture(kPublished);
  CHECK(published.ops[0] == Op::k5e3);
  CHECK(published.ops[2] == Op::identity);
  CHECK(published.ops[20] == Op::k5e3);
  CHECK(to_string(published) == kPublished);
  for (const char* spelling :
       {"2 0 -1 2 2 0 2 4 0 4 4 2 4 2 4 2 0 0 0 2 2", "2,0,-1,2,2,0,2,4,0,4,4,2,4,2,4,2,0,0,0,2,2",
        " [2, 0, -1, 2, 2, 0, 2, 4, 0, 4, 4, 2, 4, 2, 4, 2, 0, 0, 0, 2, 2]\n",
        "2 0 -1 2|2 0 2 4|0 4 4 2|4 2 4 2|0 0 0 2|2",
        "k5e3 k3e3 identity k5e3 | k5e3 k3e3 k5e3 k7e3 | k3e3 k7e3 k7e3 k5e3 | "
        "k7e3 k5e3 k7e3 k5e3 | k3e3 k3e3 k3e3 k5e3 | k5e3"}) {
    CHECK(parse_architecture(spelling) == published);
  }
  CHECK(contains(drawing(published), "2      identity   32 -> 32    56 -> 56\n"));
  CHECK(contains(drawing(published), "16     k3e3       128 -> 256  14 -> 7\n"));
}

TEST_CASE("mobilenet: an error says where and what was expected") {
  CHECK(contains(error_of(""), "at character 1: the text ends before block 0"));
  CHECK(contains(error_of("2 0 -1"), "at character 7: the text ends before block 3"));
  CHECK(contains(error_of("2 0 7 2"), "at character 5: expected the operation of block 2, found '7'"));
  CHECK(contains(error_of("-1 0"), "at character 1: identity in block 0, which opens a stage"));
  CHECK(contains(error_of("0 | 0"), "at character 3: a bar before block 1"));
  CHECK(contains(error_of("0 ,, 0"), "expected the operation of block 1, found ''"));
  CHECK(contains(error_of(std::string(kPublished) + " 3"), "at character 54: unexpected text after"));
  CHECK(contains(error_of("[" + std::string(kPublished)), "expected ']' after block 20"));
  CHECK(contains(error_of("k3e4"), "found 'k3e4'"));
}
