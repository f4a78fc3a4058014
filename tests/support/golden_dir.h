// Where the golden files lie. Said by main.cpp alone, so that no other object file depends on the checkout's
// path.
#pragma once

#include <string>

namespace rlnas::test {

std::string golden_file(const std::string& name);

}  // namespace rlnas::test
