// An architecture as a drawing: cells as graphs, their nodes in a row and their edges as arcs over it, so
// that no two labels meet; a chain as its blocks, a row for each stage.
#pragma once

#include <string>
#include <vector>

#include "search/space.h"

namespace rlnas {

// One kind of cell, or the whole chain: the inside of an <svg> of this size, in classes of report.css.
struct ArchitectureDrawing {
  std::string heading = {};  // over it; empty where there is one kind alone
  std::string title = {};    // what it shows, for those who cannot see it
  std::string body = {};
  double width = 0.0, height = 0.0;
  bool dense = false;  // labels are close together
};
std::vector<ArchitectureDrawing> architecture_drawings(const Space& space, const Genes& genes);

// HTML: an inline SVG, or one for each kind of cell, in a <div>. Operations that lie on no path from input to
// output are pale; `none` is not drawn.
std::string architecture_svg(const Space& space, const Genes& genes);

}  // namespace rlnas
