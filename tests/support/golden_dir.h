// Where the golden files and the shipped space files lie. Said by main.cpp alone, so that no other object
// file depends on the checkout's path.
#pragma once

#include <string>

namespace rlnas::test {

std::string golden_file(const std::string& name);
std::string shipped_space(const std::string& name);  // --space of spaces/NAME.json

}  // namespace rlnas::test
