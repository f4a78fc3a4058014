// An architecture as a drawing: cells as graphs, their nodes in a row and their edges as arcs over it, so
// that no two labels meet; a chain as its blocks, a row for each stage.
#pragma once

#include <string>

#include "search/space.h"

namespace rlnas {

// HTML: an inline SVG, or one for each kind of cell, in a <div>. Operations that lie on no path from input to
// output are pale; `none` is not drawn.
std::string architecture_svg(const Space& space, const Genes& genes);

}  // namespace rlnas
