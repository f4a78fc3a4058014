// Plots and the text they are made of.
#include <doctest/doctest.h>

#include <cstdio>
#include <limits>

#include "search/report/figure.h"
#include "search/report/markup.h"
#include "search/report/svg_plot.h"
#include "tests/report/report_support.h"
#include "tests/support/errors.h"

using namespace rlnas;
using test::contains;
using test::occurrences;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

Plot plot_of(Series series) {
  return {.title = "a & b", .x = {.label = "x (m)"}, .y = {.label = "y <s>"}, .series = {std::move(series)}};
}

std::string data_of(const std::string& svg) {
  const std::size_t at = svg.find(" d=\"", svg.find("class=\"dots"));
  return svg.substr(at + 4, svg.find('"', at + 4) - at - 4);
}

}  // namespace

TEST_CASE("text of a page is escaped, and so is JSON in a script") {
  CHECK(escaped("<a href='x'>&\"") == "&lt;a href=&#39;x&#39;&gt;&amp;&quot;");
  CHECK(escaped(std::string_view("a\0b\x1f\n", 5)) ==
        "a\xef\xbf\xbd"
        "b\xef\xbf\xbd\n");
  CHECK(script_safe("\"</script><!--\"") == "\"<\\/script>\\u003c!--\"");
}

TEST_CASE("numbers are told as people read them") {
  CHECK(number_text(0.12345678) == "0.1235");
  CHECK(number_text(-2.5) == "\u22122.5");
  CHECK(number_text(-0.0) == "0");
  CHECK(number_text(kNaN) == "n/a");
  CHECK(number_text(-kInfinity) == "\u2212\u221e");
  CHECK(fixed_text(-0.001, 2) == "0.00");
  CHECK(fixed_text(1.7976931348623157e308, 1).size() == 311);
  CHECK(count_text(15625) == "15,625");
  CHECK(count_text(999) == "999");
  CHECK(count_text(-1234567) == "\u22121,234,567");
  CHECK(count_text(1, "epoch") == "1 epoch");
  CHECK(count_text(0, "epoch") == "0 epochs");
  CHECK(pixels(-0.04) == "0");
  CHECK(pixels(12.25) == "12.2");
}

TEST_CASE("ticks are round numbers within the axis") {
  CHECK(axis_ticks(0.0, 10.0, 5) == std::vector<double>{0, 2, 4, 6, 8, 10});
  CHECK(axis_ticks(-1.0, 1.0, 4) == std::vector<double>{-1, -0.5, 0, 0.5, 1});
  for (const auto& [low, high] : {std::pair{0.07, 0.1399}, {1e-9, 3e-9}, {-5e12, 7e12}, {99.0, 101.0}}) {
    const std::vector<double> ticks = axis_ticks(low, high, 5);
    CHECK(ticks.size() >= 2);
    CHECK(ticks.size() <= 8);
    CHECK(ticks.front() >= low - (high - low) * 1e-6);
    CHECK(ticks.back() <= high + (high - low) * 1e-6);
  }
  CHECK(axis_ticks(3.0, 3.0, 5) == std::vector<double>{3.0});
}

TEST_CASE("points without finite values are left out, with their architectures") {
  Plot plot = plot_of({.name = "n",
                       .mark = Mark::dots,
                       .x = {0, kNaN, 2, 3, kInfinity},
                       .y = {0, 1, -kInfinity, 3, 4},
                       .architectures = {10, 11, 12, 13, 14}});
  const std::string svg = plot_svg(plot);
  CHECK(contains(svg, "data-rows=\"10 13\""));
  CHECK(occurrences(data_of(svg), "M") == 2);
  CHECK(test::unbalanced(svg) == "");
  CHECK(!contains(svg, "nan"));
  CHECK(!contains(svg, "inf"));
  CHECK(contains(svg, "<title>a &amp; b</title>"));
  CHECK(contains(svg, "y &lt;s&gt;"));
  CHECK(contains(legend_html(plot), "n</li>"));
  CHECK(legend_html(plot, 2) == "");

  plot.series[0].y.assign(5, kNaN);
  CHECK(contains(plot_svg(plot), "no finite values"));
  CHECK(contains(plot_svg(plot_of({.x = {}, .y = {}})), "no finite values"));
}

TEST_CASE("places on a plot turn back into values by its frame, as the script does it") {
  const std::string svg = plot_svg(plot_of({.mark = Mark::dots, .x = {1, 5}, .y = {100, 300}}));
  const std::size_t at = svg.find("data-frame=\"") + 12;
  std::istringstream numbers(svg.substr(at, svg.find('"', at) - at));
  double left = 0, right = 0, bottom = 0, top = 0, x0 = 0, x1 = 0, y0 = 0, y1 = 0;
  numbers >> left >> right >> bottom >> top >> x0 >> x1 >> y0 >> y1;
  double px = 0, py = 0;
  REQUIRE(std::sscanf(data_of(svg).c_str(), "M%lf,%lf", &px, &py) == 2);
  CHECK(x0 + (x1 - x0) * (px - left) / (right - left) == doctest::Approx(1).epsilon(0.01));
  CHECK(y0 + (y1 - y0) * (py - bottom) / (top - bottom) == doctest::Approx(100).epsilon(0.01));
}

TEST_CASE("a constant, a single point, and a gap in a line are drawn") {
  for (const Mark mark : {Mark::line, Mark::faint, Mark::steps, Mark::dots, Mark::symbols, Mark::bars}) {
    const std::string one = plot_svg(plot_of({.mark = mark, .x = {7}, .y = {0.25}}));
    CHECK(!contains(one, "nan"));
    CHECK(test::unbalanced(one) == "");
    CHECK(!contains(plot_svg(plot_of({.mark = mark, .x = {1, 2, 3}, .y = {0, 0, 0}})), "nan"));
  }
  const std::string gap = plot_svg(plot_of({.mark = Mark::line, .x = {1, 2, 3, 4}, .y = {1, 2, kNaN, 4}}));
  const std::size_t line = gap.find("class=\"line hit");
  CHECK(occurrences(gap.substr(line, gap.find("/>", line) - line), "M") == 2);
  const std::string band =
      plot_svg(plot_of({.mark = Mark::band, .x = {1, 2, 3}, .y = {1, kNaN, 1}, .y_high = {2, 2, 3}}));
  const std::size_t area = band.find("class=\"band");
  CHECK(occurrences(band.substr(area, band.find("/>", area) - area), "Z") == 2);
}

TEST_CASE("a heat map has a cell for each value that there is") {
  const std::string svg = heat_map_svg({.title = "t",
                                        .rows = {"r<1>", "r2"},
                                        .columns = {"a", "b"},
                                        .shades = {0.0, 1.0, -0.5, kNaN},
                                        .texts = {"", "5", "6", "7"},
                                        .hovers = {},
                                        .framed = {false, true, false, true}});
  CHECK(test::unbalanced(svg) == "");
  CHECK(occurrences(svg, "class=\"positive\"") == 2);
  CHECK(occurrences(svg, "class=\"negative\"") == 1);
  CHECK(occurrences(svg, "class=\"framed\"") == 1);
  CHECK(contains(svg, "r&lt;1&gt;"));
}

TEST_CASE(
    "a heat map of many columns takes the width of the page, and scrolls by itself where that is narrow") {
  const auto map_of = [](std::size_t columns) {
    const std::vector<std::string> names(columns, "a score"), texts(columns, "0.50");
    return HeatMap{.title = "t",
                   .rows = {"r"},
                   .columns = names,
                   .shades = std::vector<double>(columns, 0.5),
                   .texts = texts,
                   .hovers = {},
                   .framed = {}};
  };
  const Figure narrow = figure_of("a", map_of(8), "n = 1"), wide = figure_of("b", map_of(15), "n = 1");
  CHECK(narrow.width == FigureWidth::half);
  CHECK(!contains(narrow.body, "scroll"));
  CHECK(wide.width == FigureWidth::full);
  CHECK(wide.body.starts_with("<div class=\"scroll\">"));
  CHECK(test::unbalanced(wide.body) == "");
}
