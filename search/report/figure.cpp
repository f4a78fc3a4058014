#include "search/report/figure.h"

#include <algorithm>
#include <cmath>

#include "search/report/markup.h"

namespace rlnas {
namespace {

bool is_wide(const HeatMap& map) {
  return map.columns.size() > 8;
}

}  // namespace

Figure figure_of(std::string id, Plot plot, std::string caption, FigureWidth width) {
  if (width == FigureWidth::third) {
    plot.width = 340;
    plot.height = 270;
  }
  return {std::move(id), plot.title, legend_html(plot, 2) + plot_svg(plot), std::move(caption), width};
}

Figure figure_of(std::string id, const HeatMap& map, std::string caption) {
  return {std::move(id), map.title, heat_map_svg(map), std::move(caption),
          is_wide(map) ? FigureWidth::full : FigureWidth::half};
}

std::string heat_map_svg(const HeatMap& map) {
  constexpr double kCharacter = 7.0, kRow = 22, kWidest = 64;
  const auto longest = [](const std::vector<std::string>& texts) {
    std::size_t length = 0;
    for (const std::string& text : texts) length = std::max(length, characters(text));
    return double(length);
  };
  const bool wide = is_wide(map);
  const double width = wide ? 900 : 460;
  const double left = 12 + kCharacter * longest(map.rows);
  const double columns = double(std::max<std::size_t>(map.columns.size(), 1)),
               name = kCharacter * longest(map.columns);
  const bool slanted = name > std::min(kWidest, (width - left - 8) / columns) - 4;
  // The last of the slanted names goes on to the right.
  const double right =
      slanted && !map.columns.empty() ? 0.72 * kCharacter * double(map.columns.back().size()) : 8;
  const double cell = std::min(kWidest, (width - left - right) / columns);
  const double top = slanted ? 12 + 0.66 * name : 22;

  std::string svg = std::string("<svg class=\"heat") + (wide ? " wide" : "") +
                    "\" role=\"img\" viewBox=\"0 0 " + pixels(width) + " " +
                    pixels(top + kRow * double(map.rows.size()) + 6) + "\"><title>" + escaped(map.title) +
                    "</title>";
  for (std::size_t c = 0; c < map.columns.size(); ++c) {
    const std::string x = pixels(left + cell * (double(c) + 0.5) - (slanted ? 2 : 0));
    const std::string place = "transform=\"translate(" + x + " " + pixels(top - 7) + ")" +
                              (slanted ? "rotate(-40)\"" : "\" text-anchor=\"middle\"");
    svg += "<text " + place + ">" + escaped(map.columns[c]) + "</text>";
  }
  std::string frames;
  for (std::size_t r = 0; r < map.rows.size(); ++r) {
    const double y = top + kRow * double(r);
    svg += "<text x=\"" + pixels(left - 8) + "\" y=\"" + pixels(y + 15) + "\" text-anchor=\"end\">" +
           escaped(map.rows[r]) + "</text>";
    for (std::size_t c = 0; c < map.columns.size(); ++c) {
      const std::size_t at = r * map.columns.size() + c;
      const double shade = map.shades.at(at);
      if (std::isnan(shade)) continue;
      const double x = left + cell * double(c);
      const std::string box = "x=\"" + pixels(x + 1) + "\" y=\"" + pixels(y + 1) + "\" width=\"" +
                              pixels(cell - 2) + "\" height=\"" + pixels(kRow - 2) + "\"";
      // Never so dark that a number on it could not be read.
      svg += "<g>";
      if (!map.hovers.empty()) svg += "<title>" + escaped(map.hovers.at(at)) + "</title>";
      svg += "<rect class=\"" + std::string(shade < 0 ? "negative" : "positive") + "\" " + box +
             " fill-opacity=\"" + number_text(0.05 + 0.55 * std::min(std::abs(shade), 1.0), 3) + "\"/>";
      if (!map.texts.at(at).empty())
        svg += "<text x=\"" + pixels(x + cell / 2) + "\" y=\"" + pixels(y + 15) +
               "\" text-anchor=\"middle\">" + escaped(map.texts[at]) + "</text>";
      svg += "</g>";
      if (!map.framed.empty() && map.framed[at]) frames += "<rect class=\"framed\" " + box + "/>";
    }
  }
  svg += frames + "</svg>";
  return wide ? "<div class=\"scroll\">" + svg + "</div>" : svg;
}

}  // namespace rlnas
