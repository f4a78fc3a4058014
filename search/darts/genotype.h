// The names of a DARTS architecture: the Genotype text that users paste into genotypes.py, and its short
// code, the 28 operation numbers in edge order. Source: method.md 4.1, 15.1.
#pragma once

#include <string>
#include <string_view>

#include "search/darts/cell.h"

namespace rlnas::darts {

// "Genotype(normal=[('sep_conv_5x5', 0), ...], normal_concat=range(2, 6), reduce=[...],
// reduce_concat=range(2, 6))": two inputs a node, the lower node first.
std::string genotype(const Architecture& architecture);

// "5,4 6,0,5 4,0,0,7 0,7,6,0,0 | 5,6 4,0,5 0,6,0,4 0,1,5,0,0": normal cell | reduction cell, a group for each
// node.
std::string code(const Architecture& architecture);

// Reads either. A genotype may have a `NAME =` in front, any white space, single or double quotes, its two
// inputs in any order, and [2, 3, 4, 5] or range(2, 6) as its outputs; a code may separate its numbers by
// spaces or commas and leave out the bar.
// Errors: usage, saying at which character and what was expected there.
Architecture parse_architecture(std::string_view text);

}  // namespace rlnas::darts
