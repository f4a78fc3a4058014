// Plots as inline SVG: axes with ticks and units, lines, bands, clouds of points, few marked points. Colours
// are the style sheet's (report.css), so that one drawing serves light, dark and print; a dash or a shape
// goes with each of them, for those who see no colours. The script (report.js) finds points by the pairs
// "x,y" of a path, which nothing else in a path is written as.
#pragma once

#include <limits>
#include <string>
#include <vector>

namespace rlnas {

constexpr int kPlotStyles = 8;  // colours, dashes and shapes before they come again

enum class Mark {
  line,     // broken where a value is not finite
  faint,    // likewise, thin and without a dash: what a line is the mean of
  steps,    // a line that keeps a value until the next point
  band,     // between y and y_high
  dots,     // many small ones
  symbols,  // few, each with the shape of its style
  bars,     // from zero to y, each as wide as the distance of the first two x
};

struct Series {
  std::string name = {};  // in the legend and when pointed at; empty: in neither
  int style = 0;
  Mark mark = Mark::line;
  std::vector<double> x = {}, y = {};
  std::vector<double> y_high = {};      // of a band
  std::vector<int> architectures = {};  // of each point, rows of the page's table; empty: none
};

struct Axis {
  std::string label;                                      // with its unit
  double low = std::numeric_limits<double>::quiet_NaN();  // NaN: as the data have it
  double high = std::numeric_limits<double>::quiet_NaN();
};

struct Guide {
  std::string label;
  double x = 0.0;
};

struct Plot {
  std::string title;  // for those who hear the page
  Axis x, y;
  std::vector<Series> series = {};   // later ones lie on top
  std::vector<Guide> guides = {};    // vertical lines
  double width = 460, height = 300;  // in units of the drawing, which scales with the page
};

// Round numbers from `low` to `high`, both finite, about `count` of them.
std::vector<double> axis_ticks(double low, double high, int count);

// Points whose x or y is not finite are left out; where none is left the plot says so.
std::string plot_svg(const Plot& plot);

// The named series with what they look like; empty where fewer than `least` have a name.
std::string legend_html(const Plot& plot, int least = 1);

}  // namespace rlnas
