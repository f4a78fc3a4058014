#include "search/export/drawing_file.h"

#include <array>

#include "search/report/architecture_svg.h"
#include "search/report/markup.h"
#include "search/report/svg_plot.h"

namespace rlnas {
namespace {

constexpr double kMargin = 16, kHeading = 20;

// The light colours of report.css, as values: programs that draw SVG know no CSS variables.
std::string style() {
  constexpr std::array<const char*, kPlotStyles> kColours{"#0072b2", "#d55e00", "#009e73", "#b0558f",
                                                          "#b27a00", "#56b4e9", "#555b63", "#8c4a1a"};
  std::string css =
      "text{font:12px system-ui,'DejaVu Sans',sans-serif;fill:#1b1f24}"
      ".op{font-size:11.5px}.dense .op{font-size:10px}.note,.heading{fill:#59626d}"
      ".halo{paint-order:stroke;stroke:#fff;stroke-width:4px;stroke-linejoin:round}"
      ".base{stroke:#59626d;fill:none}.node{fill:#f6f7f9;stroke:#59626d}"
      ".node.output{stroke-width:2;stroke:#1b1f24}";
  for (int i = 0; i < kPlotStyles; ++i) {
    const std::string own = ".s" + std::to_string(i), colour = kColours[std::size_t(i)];
    css += ".edge" + own + " path{stroke:" + colour + ";fill:none;stroke-width:2}.edge" + own +
           " .head{fill:" + colour + ";stroke:none}.block" + own + " rect{fill:" + colour +
           ";fill-opacity:.14;stroke:" + colour + ";stroke-width:1.5}";
  }
  return css +
         "g.edge.dead path{stroke:#d5dae0}g.edge.dead path.head{fill:#d5dae0;stroke:none}"
         "g.block.dead rect{fill:none;stroke:#d5dae0}text.dead,.block.dead text{fill:#59626d}";
}

}  // namespace

std::string architecture_svg_file(const Space& space, const Genes& genes) {
  std::string body;
  double width = 0.0, y = kMargin;
  for (const ArchitectureDrawing& drawing : architecture_drawings(space, genes)) {
    if (!drawing.heading.empty()) {
      body += "<text class=\"heading\" x=\"" + pixels(kMargin) + "\" y=\"" + pixels(y + 12) + "\">" +
              escaped(drawing.heading) + "</text>\n";
      y += kHeading;
    }
    body += std::string("<g") + (drawing.dense ? " class=\"dense\"" : "") + " transform=\"translate(" +
            pixels(kMargin) + " " + pixels(y) + ")\"><title>" + escaped(drawing.title) + "</title>" +
            drawing.body + "</g>\n";
    width = std::max(width, drawing.width);
    y += drawing.height + kMargin;
  }
  const std::string w = pixels(width + 2 * kMargin), h = pixels(y);
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + w + "\" height=\"" + h + "\" viewBox=\"0 0 " +
         w + " " + h + "\">\n<title>" + escaped(space.text(genes)) + "</title>\n<style>" + style() +
         "</style>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n" + body + "</svg>\n";
}

}  // namespace rlnas
