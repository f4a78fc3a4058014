#include "search/report/svg_plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "search/report/markup.h"

namespace rlnas {
namespace {

constexpr double kTextWidth = 6.3;  // of a character, about
constexpr double kTop = 10, kRight = 14, kBottom = 44;

constexpr std::array<const char*, kPlotStyles> kDashes{"",     "7 3",     "2 3",     "9 3 2 3",
                                                       "12 4", "4 2 1 2", "1 2 5 2", "3 1"};
// Around a point, without a pair "x,y".
constexpr std::array<const char*, kPlotStyles> kShapes{
    "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",                         // circle
    "m-3.5-3.5h7v7h-7z",                                          // square
    "m0-5.5l5.5 5.5l-5.5 5.5l-5.5-5.5z",                          // diamond
    "m0-5l4.8 8.5h-9.6z",                                         // triangle
    "m0 5l-4.8-8.5h9.6z",                                         // its mirror image
    "m-4-1.3h2.7v-2.7h2.6v2.7h2.7v2.6h-2.7v2.7h-2.6v-2.7h-2.7z",  // plus
    "m-5 0l5-3l5 3l-5 3z",                                        // flat diamond
    "m-2.5-4.3h5l2.5 4.3l-2.5 4.3h-5l-2.5-4.3z"                   // hexagon
};

std::size_t style_of(const Series& series) {
  return std::size_t(series.style % kPlotStyles);
}

std::string class_of(const Series& series, const char* kind) {
  return std::string(" class=\"") + kind + " s" + std::to_string(style_of(series)) + '"';
}

std::string dash_of(const Series& series) {
  const std::string dash = kDashes[style_of(series)];
  return dash.empty() ? "" : " stroke-dasharray=\"" + dash + '"';
}

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void take(double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool empty() const { return low > high; }
  // As an axis has it: what it names, some room, and never a length of zero.
  Range for_axis(const Axis& axis) const {
    Range range = *this;
    const double room =
        range.high > range.low ? (range.high - range.low) * 0.04 : std::max(std::abs(range.low) * 0.05, 1e-9);
    range.low = std::isfinite(axis.low) ? axis.low : range.low - room;
    range.high = std::isfinite(axis.high) ? axis.high : range.high + room;
    if (!(range.high > range.low)) range.high = range.low + std::max(std::abs(range.low) * 0.05, 1e-9);
    return range;
  }
};

// From values to places on the drawing.
struct Frame {
  Range x, y;
  double left = 0, right = 0, top = 0, bottom = 0;

  double at_x(double value) const { return left + (right - left) * ((value - x.low) / (x.high - x.low)); }
  double at_y(double value) const { return bottom - (bottom - top) * ((value - y.low) / (y.high - y.low)); }
  std::string point(double px, double py) const { return pixels(at_x(px)) + ',' + pixels(at_y(py)); }
};

bool is_there(const Series& s, std::size_t i) {
  return std::isfinite(s.x[i]) && std::isfinite(s.y[i]) &&
         (s.mark != Mark::band || std::isfinite(s.y_high.at(i)));
}

// The points that are drawn, and which architectures they are.
std::string hit_attributes(const Series& series) {
  std::string text;
  if (!series.name.empty()) text += " data-name=\"" + escaped(series.name) + '"';
  if (series.architectures.empty()) return text;
  std::string rows;
  for (std::size_t i = 0; i < series.x.size(); ++i)
    if (is_there(series, i)) rows += (rows.empty() ? "" : " ") + std::to_string(series.architectures.at(i));
  return text + " data-rows=\"" + rows + '"';
}

std::string line_path(const Series& s, const Frame& frame) {
  std::string path;
  bool drawing = false;
  for (std::size_t i = 0; i < s.x.size(); ++i) {
    if (!is_there(s, i)) {
      drawing = false;
      continue;
    }
    if (drawing && s.mark == Mark::steps) path += "H" + pixels(frame.at_x(s.x[i]));
    path += (drawing ? "L" : "M") + frame.point(s.x[i], s.y[i]);
    if (!drawing) path += "h0";  // a point by itself is seen too
    drawing = true;
  }
  return path;
}

std::string band_path(const Series& s, const Frame& frame) {
  std::string path;
  for (std::size_t begin = 0; begin < s.x.size();) {
    if (!is_there(s, begin)) {
      ++begin;
      continue;
    }
    std::size_t end = begin;
    while (end < s.x.size() && is_there(s, end)) ++end;
    for (std::size_t i = begin; i < end; ++i)
      path += (i == begin ? "M" : "L") + frame.point(s.x[i], s.y_high[i]);
    for (std::size_t i = end; i-- > begin;) path += "L" + frame.point(s.x[i], s.y[i]);
    path += "Z";
    begin = end;
  }
  return path;
}

std::string bar_path(const Series& s, const Frame& frame) {
  const double half =
      s.x.size() > 1 ? (frame.at_x(s.x[1]) - frame.at_x(s.x[0])) * 0.5 : (frame.right - frame.left) * 0.1;
  std::string path;
  for (std::size_t i = 0; i < s.x.size(); ++i) {
    if (!is_there(s, i) || s.y[i] <= 0.0) continue;
    const double height = frame.at_y(s.y[i]) - frame.bottom;
    // From the middle of the top, which is where it is pointed at.
    path += 'M' + frame.point(s.x[i], s.y[i]) + "h" + pixels(half - 0.5) + "v" + pixels(-height) + "h" +
            pixels(1 - 2 * half) + "v" + pixels(height) + 'z';
  }
  return path;
}

std::string series_svg(const Series& s, const Frame& frame) {
  std::string path;
  switch (s.mark) {
    case Mark::line:
    case Mark::steps:
      path = line_path(s, frame);
      return "<path" + class_of(s, s.mark == Mark::line ? "line hit" : "line") + dash_of(s) +
             hit_attributes(s) + " d=\"" + path + "\"/>";
    case Mark::faint:
      return "<path" + class_of(s, "line faint hit") + hit_attributes(s) + " d=\"" + line_path(s, frame) +
             "\"/>";
    case Mark::band:
      return "<path" + class_of(s, "band") + " d=\"" + band_path(s, frame) + "\"/>";
    case Mark::bars:
      return "<path" + class_of(s, "bars hit") + hit_attributes(s) + " d=\"" + bar_path(s, frame) + "\"/>";
    case Mark::dots:
    case Mark::symbols:
      break;
  }
  const bool dots = s.mark == Mark::dots;
  for (std::size_t i = 0; i < s.x.size(); ++i)
    if (is_there(s, i)) path += 'M' + frame.point(s.x[i], s.y[i]) + (dots ? "h0" : kShapes[style_of(s)]);
  return "<path" + class_of(s, dots ? "dots hit" : "symbols hit") + hit_attributes(s) + " d=\"" + path +
         "\"/>";
}

std::string text_svg(double x, double y, const char* attributes, const std::string& text) {
  return "<text x=\"" + pixels(x) + "\" y=\"" + pixels(y) + "\" " + attributes + '>' + escaped(text) +
         "</text>";
}

std::string tick_text(double value) {
  return number_text(value, 6);
}

// Grid, ticks and labels.
std::string axes_svg(const Plot& plot, const Frame& frame, const std::vector<double>& x_ticks,
                     const std::vector<double>& y_ticks) {
  std::string grid, text;
  for (const double tick : y_ticks) {
    const std::string y = pixels(frame.at_y(tick));
    grid += "M" + pixels(frame.left) + " " + y + "H" + pixels(frame.right);
    text += text_svg(frame.left - 7, frame.at_y(tick) + 4, "text-anchor=\"end\"", tick_text(tick));
  }
  std::string ticks;
  for (const double tick : x_ticks) {
    ticks += "M" + pixels(frame.at_x(tick)) + " " + pixels(frame.bottom) + "v4";
    text += text_svg(frame.at_x(tick), frame.bottom + 17, "text-anchor=\"middle\"", tick_text(tick));
  }
  text += text_svg((frame.left + frame.right) / 2, plot.height - 7, "text-anchor=\"middle\" class=\"axis\"",
                   plot.x.label);
  const std::string middle = pixels((frame.top + frame.bottom) / 2);
  text += "<text transform=\"translate(13 " + middle +
          ")rotate(-90)\" text-anchor=\"middle\" class=\"axis\">" + escaped(plot.y.label) + "</text>";
  const std::string base = "M" + pixels(frame.left) + " " + pixels(frame.bottom) + "H" + pixels(frame.right);
  return "<path class=\"grid\" d=\"" + grid + "\"/><path class=\"base\" d=\"" + base + ticks + "\"/>" + text;
}

std::string guides_svg(const Plot& plot, const Frame& frame) {
  std::string svg;
  for (const Guide& guide : plot.guides) {
    const double x = frame.at_x(guide.x);
    if (!(x >= frame.left && x <= frame.right)) continue;
    svg += "<path class=\"guide\" d=\"M" + pixels(x) + " " + pixels(frame.top) + "V" + pixels(frame.bottom) +
           "\"/>";
    const bool on_the_left = x > (frame.left + frame.right) / 2;
    svg += text_svg(x + (on_the_left ? -5 : 5), frame.top + 11,
                    on_the_left ? "text-anchor=\"end\" class=\"halo\"" : "class=\"halo\"", guide.label);
  }
  return svg;
}

std::string open_svg(const Plot& plot, const std::string& attributes) {
  return "<svg class=\"plot\" role=\"img\" viewBox=\"0 0 " + pixels(plot.width) + " " + pixels(plot.height) +
         "\"" + attributes + "><title>" + escaped(plot.title) + "</title>";
}

std::string exact(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

}  // namespace

std::vector<double> axis_ticks(double low, double high, int count) {
  const double raw = (high - low) / std::max(count, 1);
  if (!(raw > 0.0) || !std::isfinite(raw)) return {low};
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  double step = power * 10.0;
  for (const double factor : {1.0, 2.0, 2.5, 5.0})
    if (power * factor >= raw * 0.999) {
      step = power * factor;
      break;
    }
  std::vector<double> ticks;
  const double first = std::ceil(low / step - 1e-9);
  for (int i = 0; i < 1000; ++i) {
    const double tick = (first + i) * step;
    if (!(tick <= high + step * 1e-9)) break;
    ticks.push_back(std::abs(tick) < step * 1e-6 ? 0.0 : tick);
  }
  return ticks;
}

std::string plot_svg(const Plot& plot) {
  Range x, y;
  bool any = false;
  for (const Series& s : plot.series)
    for (std::size_t i = 0; i < s.x.size(); ++i) {
      if (!is_there(s, i)) continue;
      any = true;
      x.take(s.x[i]);
      y.take(s.y[i]);
      if (s.mark == Mark::band) y.take(s.y_high[i]);
      if (s.mark == Mark::bars) y.take(0.0);
    }
  if (!any)
    return open_svg(plot, "") +
           text_svg(plot.width / 2, plot.height / 2, "text-anchor=\"middle\"", "no finite values") + "</svg>";

  Frame frame{x.for_axis(plot.x), y.for_axis(plot.y)};
  const int y_count = int(plot.height / 48), x_count = int(plot.width / 85);
  const std::vector<double> y_ticks = axis_ticks(frame.y.low, frame.y.high, y_count);
  const std::vector<double> x_ticks = axis_ticks(frame.x.low, frame.x.high, x_count);
  std::size_t longest = 0;
  for (const double tick : y_ticks) longest = std::max(longest, characters(tick_text(tick)));
  frame.left = 31 + kTextWidth * double(longest);
  frame.right = plot.width - kRight;
  frame.top = kTop;
  frame.bottom = plot.height - kBottom;

  // With what the script turns places back into values.
  std::string attributes = " data-x=\"" + escaped(plot.x.label) + "\" data-y=\"" + escaped(plot.y.label) +
                           "\" data-frame=\"" + pixels(frame.left) + " " + pixels(frame.right) + " " +
                           pixels(frame.bottom) + " " + pixels(frame.top) + " " + exact(frame.x.low) + " " +
                           exact(frame.x.high) + " " + exact(frame.y.low) + " " + exact(frame.y.high) + '"';
  std::string svg = open_svg(plot, attributes) + axes_svg(plot, frame, x_ticks, y_ticks);
  for (const Series& s : plot.series) svg += series_svg(s, frame);
  return svg + guides_svg(plot, frame) + "</svg>";
}

std::string legend_html(const Plot& plot, int least) {
  std::string items;
  int named = 0;
  for (const Series& s : plot.series) {
    if (s.name.empty()) continue;
    ++named;
    std::string sample;
    switch (s.mark) {
      case Mark::line:
      case Mark::steps:
        sample = "<path" + class_of(s, "line") + dash_of(s) + " d=\"M1 7H31\"/>";
        break;
      case Mark::faint:
        sample = "<path" + class_of(s, "line faint") + " d=\"M1 7H31\"/>";
        break;
      case Mark::band:
      case Mark::bars:
        sample = "<path" + class_of(s, s.mark == Mark::band ? "band" : "bars") + " d=\"M4 2h24v10h-24z\"/>";
        break;
      case Mark::dots:
        sample = "<path" + class_of(s, "dots") + " d=\"M10 4h0M16 9h0M23 5h0\"/>";
        break;
      case Mark::symbols:
        sample = "<path" + class_of(s, "symbols") + " d=\"M16 7" + kShapes[style_of(s)] + "\"/>";
        break;
    }
    items += "<li><svg viewBox=\"0 0 32 14\" aria-hidden=\"true\">" + sample + "</svg>" + escaped(s.name) +
             "</li>";
  }
  return named < least ? "" : "<ul class=\"legend\">" + items + "</ul>";
}

}  // namespace rlnas
