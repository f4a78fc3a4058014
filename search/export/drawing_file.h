// The drawing of an architecture (report/architecture_svg.h) as a file by itself.
#pragma once

#include <string>

#include "search/space.h"

namespace rlnas {

// An SVG document: one kind of cell below the other, or the chain.
std::string architecture_svg_file(const Space& space, const Genes& genes);

}  // namespace rlnas
