// A figure of a report: what it shows, and what there is to say of it.
#pragma once

#include <string>
#include <vector>

#include "search/report/svg_plot.h"

namespace rlnas {

enum class FigureWidth {
  third,  // of a row, where the page is wide
  half,
  full,
};

struct Figure {
  std::string id;       // of the element: letters and hyphens
  std::string title;    // text
  std::string body;     // HTML
  std::string caption;  // text; says n
  FigureWidth width = FigureWidth::half;
};

// With the plot's title as its own, and a legend where there are two named series.
Figure figure_of(std::string id, Plot plot, std::string caption, FigureWidth width = FigureWidth::half);

// A grid of values with a shade for each: from 0 to 1 in one colour, or from -1 to 1 in two. NaN: no cell.
struct HeatMap {
  std::string title;
  std::vector<std::string> rows, columns;
  std::vector<double> shades;       // [row][column]
  std::vector<std::string> texts;   // likewise; in the cell
  std::vector<std::string> hovers;  // likewise; when pointed at; may be empty
  std::vector<bool> framed;         // likewise; may be empty
};
std::string heat_map_svg(const HeatMap& map);
// With the map's title as its own; as wide as the page where it has many columns.
Figure figure_of(std::string id, const HeatMap& map, std::string caption);

}  // namespace rlnas
