// Where files of the sources lie that tests read. Said by main.cpp alone, so that no other object
// file depends on the checkout's path.
#pragma once

#include <string>

namespace rlnas::test {

std::string source_file(const std::string& path);
std::string golden_file(const std::string& name);
std::string shipped_space(const std::string& name);  // --space of spaces/NAME.json

}  // namespace rlnas::test
