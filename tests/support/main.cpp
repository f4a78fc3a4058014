#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include "tests/support/golden_dir.h"

namespace rlnas::test {

std::string golden_file(const std::string& name) {
  return RLNAS_GOLDEN_DIR "/" + name;
}

std::string shipped_space(const std::string& name) {
  return "file:" RLNAS_SPACES_DIR "/" + name + ".json";
}

}  // namespace rlnas::test
