#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include "tests/support/golden_dir.h"

namespace rlnas::test {

std::string source_file(const std::string& path) {
  return RLNAS_SOURCE_DIR "/" + path;
}

std::string golden_file(const std::string& name) {
  return source_file("tests/golden/" + name);
}

std::string shipped_space(const std::string& name) {
  return "file:" + source_file("spaces/" + name + ".json");
}

}  // namespace rlnas::test
