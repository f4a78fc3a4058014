// Inputs made up from those that are kept, without a fuzzer: a few changes of one, of the kinds that fuzzers
// make.
#pragma once

#include <span>
#include <string>

#include "engine/philox.h"

namespace rlnas::fuzz {

std::string made_up(RandomStream& random, std::span<const std::string> kept);

}  // namespace rlnas::fuzz
