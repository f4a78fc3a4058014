#include <doctest/doctest.h>

#include "data/dataset.h"
#include "tests/data/temp_dir.h"

using namespace rlnas;
using namespace rlnas::test;

TEST_CASE("parse_data_spec reads every kind") {
  CHECK(parse_data_spec("cifar10:/a/b").kind == "cifar10");
  CHECK(parse_data_spec("cifar10:/a:b").paths == std::vector<std::string>{"/a:b"});
  CHECK(parse_data_spec("folder:x,y").paths == std::vector<std::string>{"x,y"});
  CHECK(parse_data_spec("imagenet16:x,y").paths == std::vector<std::string>{"x", "y"});
  CHECK(parse_data_spec("synthetic").synthetic_count == 0);
  CHECK(parse_data_spec("synthetic:123").synthetic_count == 123);
}

TEST_CASE("parse_data_spec names the flag and the mistake") {
  const auto error = [](const std::string& text) { return error_of([&] { parse_data_spec(text); }); };
  CHECK(is_error(error("cifar:/a"), ErrorCode::usage,
                 {"--data cifar:/a", "unknown kind \"cifar\"", "cifar10:DIR"}));
  CHECK(is_error(error(""), ErrorCode::usage, {"--data", "unknown kind"}));
  CHECK(is_error(error("cifar10"), ErrorCode::usage, {"--data cifar10", "path is missing"}));
  CHECK(is_error(error("idx:"), ErrorCode::usage, {"--data idx:", "path is missing"}));
  CHECK(is_error(error("imagenet16:a,,b"), ErrorCode::usage, {"empty path"}));
  CHECK(is_error(error("imagenet16:a,"), ErrorCode::usage, {"empty path"}));
  for (const char* bad :
       {"synthetic:", "synthetic:0", "synthetic:-5", "synthetic:12x", "synthetic:99999999999"}) {
    CHECK(is_error(error(bad), ErrorCode::usage, {"--data", "not a number of images"}));
  }
}
