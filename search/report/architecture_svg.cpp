#include "search/report/architecture_svg.h"

#include <algorithm>
#include <span>

#include "search/report/markup.h"
#include "search/report/svg_plot.h"

namespace rlnas {
namespace {

constexpr double kWidth = 460, kNodeHeight = 24, kCharacter = 6.4;

// Operations with weights are solid, pools dashed, those that hand on what they get dotted.
std::string dash_of(const std::string& op) {
  if (op.find("pool") != std::string::npos) return " stroke-dasharray=\"6 3\"";
  if (op.find("skip") != std::string::npos || op.find("identity") != std::string::npos)
    return " stroke-dasharray=\"1.5 3.5\" stroke-linecap=\"round\"";
  return "";
}

std::string style_class(int op) {
  return "s" + std::to_string(op % kPlotStyles);
}

std::string text_at(double x, double y, const char* kind, const std::string& text) {
  return "<text x=\"" + pixels(x) + "\" y=\"" + pixels(y) + "\" text-anchor=\"middle\" class=\"" + kind +
         "\">" + escaped(text) + "</text>";
}

ArchitectureDrawing cell_drawing(const CellSpec& spec, std::span<const std::int8_t> ops) {
  const CellPathTable paths(spec);
  const auto multiplicity = paths.multiplicity(ops);
  int longest = 1;
  for (std::size_t e = 0; e < spec.edges.size(); ++e)
    if (ops[e] != spec.of(e).none) longest = std::max(longest, spec.edges[e].target - spec.edges[e].source);
  const double rise = longest > 3 ? 29 : 36;  // of an arc, for each node that it is long
  const double margin = 40;
  const double step = (kWidth - 2 * margin) / std::max(spec.nodes() - 1, 1);
  const double top = 22 + rise * longest, middle = top + kNodeHeight / 2;
  const bool joined = spec.first_output < spec.nodes() - 1;  // several nodes are the output

  std::string title = std::string(spec.name).empty() ? "the cell" : std::string(spec.name) + " cell";
  // Names of neighbouring operations have a step each.
  std::string svg, labels;
  for (std::size_t e = 0; e < spec.edges.size(); ++e) {
    if (ops[e] == spec.of(e).none) continue;
    const CellEdge& edge = spec.edges[e];
    const std::string op = spec.of(e).ops[std::size_t(ops[e])];
    const double from = margin + step * edge.source + 5, to = margin + step * edge.target - 5;
    const double radius = (to - from) / 2, height = rise * (edge.target - edge.source);
    const std::string dead = multiplicity[e] == 0 ? " dead" : "";
    svg += "<g class=\"edge " + style_class(ops[e]) + dead + "\"><path" + dash_of(op) + " d=\"M" +
           pixels(from) + " " + pixels(top) + "A" + pixels(radius) + " " + pixels(height) + " 0 0 1 " +
           pixels(to) + " " + pixels(top - 6) + "\"/><path class=\"head\" d=\"M" + pixels(to) + " " +
           pixels(top) + "l-3.5-7h7z\"/></g>";
    labels += text_at((from + to) / 2, top - height - 5, ("halo op" + dead).c_str(), op);
  }
  svg += labels;  // over every arc
  for (int node = 0; node < spec.nodes(); ++node) {
    const std::string name = spec.node_names[std::size_t(node)];
    const double width = 14 + kCharacter * double(name.size()), x = margin + step * node;
    svg += std::string("<rect class=\"node") + (node >= spec.first_output ? " output" : "") + "\" x=\"" +
           pixels(x - width / 2) + "\" y=\"" + pixels(top) + "\" width=\"" + pixels(width) + "\" height=\"" +
           pixels(kNodeHeight) + "\" rx=\"5\"/>" + text_at(x, middle + 4, "name", name);
  }
  if (joined) {
    std::string line = spec.output_line;
    line.erase(0, line.find_first_not_of(' '));
    while (!line.empty() && line.back() == '\n') line.pop_back();
    svg += text_at(kWidth / 2, top + kNodeHeight + 19, "note", line);
  }
  return {.title = title,
          .body = svg,
          .width = kWidth,
          .height = top + kNodeHeight + (joined ? 26 : 8),
          .dense = spec.nodes() > 4};
}

ArchitectureDrawing chain_drawing(const Space& space, const Genes& genes) {
  constexpr double kLeft = 106, kBox = 80, kBoxHeight = 28, kGap = 8, kRow = 38;
  constexpr int kInRow = 4;
  const std::vector<ChoiceSite> sites = space.choice_sites({});
  const auto site_of = [&](int gene) {
    const auto found = std::ranges::find(sites, gene, &ChoiceSite::gene);
    return found == sites.end() ? ChoiceSite{} : *found;
  };
  std::string body;
  int row = -1, column = 0;
  for (int gene = 0; gene < int(genes.size()); ++gene, ++column) {
    const ChoiceSite site = site_of(gene);
    const bool stage = gene == 0 || site.changes_shape;
    if (stage || column == kInRow) {
      column = 0;
      ++row;
    }
    const double y = 4 + kRow * row, x = kLeft + (kBox + kGap) * column;
    if (stage) {
      // The next block that changes nothing has the channels that this one makes.
      const int out = gene + 1 < int(genes.size()) ? site_of(gene + 1).channels : 0;
      const std::string channels =
          out > 0 ? std::to_string(site.channels) + " \u2192 " + std::to_string(out) + " ch."
                  : "from " + std::to_string(site.channels) + " ch.";
      body += "<text x=\"" + pixels(kLeft - 14) + "\" y=\"" + pixels(y + 18) +
              "\" text-anchor=\"end\" class=\"note\">" + escaped(channels) + "</text>";
    }
    const std::string op = space.choice_name(gene, genes[std::size_t(gene)]);
    const bool left_out = op == "identity" || op == "skip";
    if (column > 0)
      body += "<path class=\"base\" d=\"M" + pixels(x - kGap) + " " + pixels(y + kBoxHeight / 2) + "h" +
              pixels(kGap) + "\"/>";
    body += "<g class=\"block " + style_class(genes[std::size_t(gene)]) + (left_out ? " dead" : "") +
            "\"><title>" + escaped(space.place_name(gene) + ": " + op) + "</title><rect x=\"" + pixels(x) +
            "\" y=\"" + pixels(y) + "\" width=\"" + pixels(kBox) + "\" height=\"" + pixels(kBoxHeight) +
            "\" rx=\"5\"" + dash_of(op) + "/>" + text_at(x + kBox / 2, y + 18, "op", op) + "</g>";
  }
  return {.title = "the blocks from the first to the last, stage by stage",
          .body = body,
          .width = kWidth,
          .height = 8 + kRow * (row + 1)};
}

}  // namespace

std::vector<ArchitectureDrawing> architecture_drawings(const Space& space, const Genes& genes) {
  if (space.cells().empty()) return {chain_drawing(space, genes)};
  std::vector<ArchitectureDrawing> drawings;
  std::size_t first = 0;
  for (const CellSpec& cell : space.cells()) {
    drawings.push_back(cell_drawing(cell, std::span(genes).subspan(first, cell.edges.size())));
    std::string& heading = drawings.back().heading;
    heading = cell.heading;
    heading.erase(heading.find_last_not_of('\n') + 1);
    first += cell.edges.size();
  }
  return drawings;
}

std::string architecture_svg(const Space& space, const Genes& genes) {
  std::string html;
  for (const ArchitectureDrawing& drawing : architecture_drawings(space, genes)) {
    if (!drawing.heading.empty()) html += "<p class=\"cell\">" + escaped(drawing.heading) + "</p>";
    html += std::string("<svg class=\"drawing") + (drawing.dense ? " dense" : "") +
            "\" role=\"img\" viewBox=\"0 0 " + pixels(drawing.width) + " " + pixels(drawing.height) +
            "\"><title>" + escaped(drawing.title) + "</title>" + drawing.body + "</svg>";
  }
  return "<div class=\"architecture\">" + html + "</div>";
}

}  // namespace rlnas
