#include "search/report/search_figures.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "search/report/agreement_map.h"
#include "search/report/markup.h"
#include "search/report/point_cloud.h"
#include "search/report/statistics.h"

namespace rlnas {
namespace {

constexpr int kListed = 10;         // of the best, which are always drawn
constexpr int kHistogramTop = 50;   // architectures that operations are counted in
constexpr int kHistogramBins = 40;  // of scores
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// Which run a curve is of, where there are several.
std::string named(const SearchRecord& record, const std::vector<SearchRecord>& others,
                  const std::string& what) {
  return others.empty() ? what : record.label + ": " + what;
}

Figure evolution_figure(const SearchRecord& record, const std::vector<SearchRecord>& others,
                        const DrawnPoints& points) {
  Plot plot{
      .title = "Score by generation", .x = {.label = "generation"}, .y = {.label = record.score_label()}};
  Series band{.name = named(record, others, "10 to 90 % of a generation"), .style = 0, .mark = Mark::band};
  Series median{.name = named(record, others, "median of a generation"), .style = 1, .mark = Mark::line};
  Series best{.name = named(record, others, "best so far"), .style = 0, .mark = Mark::steps};
  Series marks{.style = 0, .mark = Mark::symbols};
  int least = std::numeric_limits<int>::max(), most = 0;
  for (const GenerationSummary& g : generation_summaries(record)) {
    for (Series* series : {&band, &median, &best}) series->x.push_back(g.generation);
    band.y.push_back(g.low);
    band.y_high.push_back(g.high);
    median.y.push_back(g.median);
    const double score = record.scores()[std::size_t(g.best_so_far)];
    best.y.push_back(score);
    least = std::min(least, g.size);
    most = std::max(most, g.size);
    marks.x.push_back(g.generation);
    marks.y.push_back(score);
    marks.architectures.push_back(points.row_of[std::size_t(g.best_so_far)]);
  }
  const std::size_t generations = best.x.size();
  plot.series = {band, median};
  int style = 2;
  for (const SearchRecord& other : others) {
    Series series{.name = named(other, others, "best so far"), .style = style++, .mark = Mark::steps};
    for (const GenerationSummary& g : generation_summaries(other)) {
      series.x.push_back(g.generation);
      series.y.push_back(other.scores()[std::size_t(g.best_so_far)]);
    }
    if (!series.x.empty()) plot.series.push_back(std::move(series));
  }
  plot.series.push_back(best);
  plot.series.push_back(marks);
  std::string sizes = count_text(least);
  if (most != least) sizes += " to " + count_text(most);
  return figure_of("evolution", std::move(plot),
                   "n = " + count_text(record.size(), "architecture") + " in " +
                       count_text(std::int64_t(generations), "generation") + " of " + sizes +
                       ". Statistics are of the architectures new in a generation.");
}

Figure distribution_figure(const SearchRecord& record) {
  const Histogram counts = histogram(record.scores(), kHistogramBins);
  Plot plot{.title = "Distribution of the score",
            .x = {.label = record.score_label()},
            .y = {.label = "architectures (count)", .low = 0.0},
            .series = {{.style = 0, .mark = Mark::bars, .x = counts.middle, .y = counts.count}},
            .guides = {{"found", record.scores()[std::size_t(record.best())]}}};
  std::string caption = "n = " + count_text(record.size(), "architecture") + ".";
  if (counts.left_out > 0) caption += " " + count_text(counts.left_out) + " without a finite score left out.";
  return figure_of("score-distribution", std::move(plot), caption);
}

// The Pareto front as a line of steps and its corners.
void add_front(Plot& plot, const SearchRecord& record, const std::string& name, int style,
               const DrawnPoints* points) {
  const SearchRecord::Column* macs = record.find("macs");
  if (macs == nullptr) return;
  Series line{.name = name, .style = style, .mark = Mark::steps};
  Series corners{.style = style, .mark = Mark::symbols};
  for (const int place : pareto_front(macs->values, record.scores())) {
    line.x.push_back(macs->values[std::size_t(place)]);
    line.y.push_back(record.scores()[std::size_t(place)]);
    if (points != nullptr) corners.architectures.push_back(points->row_of[std::size_t(place)]);
  }
  corners.x = line.x;
  corners.y = line.y;
  plot.series.push_back(std::move(line));
  if (points != nullptr) plot.series.push_back(std::move(corners));
}

Figure cost_figure(const SearchRecord& record, const std::vector<SearchRecord>& others,
                   const DrawnPoints& points) {
  const SearchRecord::Column& macs = *record.find("macs");
  PointCloud cloud = point_cloud(record, points, macs, record.columns[record.score_column]);
  Plot plot = std::move(cloud.plot);
  plot.title = "Score against cost";
  const Series found = plot.series.back();  // on top of the front
  plot.series.pop_back();
  int style = 2;
  for (const SearchRecord& other : others)
    add_front(plot, other, named(other, others, "Pareto front"), style++, nullptr);
  add_front(plot, record, named(record, others, "Pareto front"), 1, &points);
  plot.series.push_back(found);
  return figure_of("score-cost", std::move(plot),
                   cloud.caption + " The front: highest score at that cost or less, over all.");
}

// Names of what can be chosen at any gene of a range, and how many of the best chose it.
Figure operations_figure(const SearchRecord& record, const Space& space, const std::string& id,
                         const std::string& what, int first, int count) {
  const std::vector<int> top = record.top(kHistogramTop);
  std::vector<Genes> genes;
  for (const int place : top) genes.push_back(space.parse(record.texts[std::size_t(place)]));
  HeatMap map{.title = "Operations of the best" + what,
              .rows = {},
              .columns = {},
              .shades = {},
              .texts = {},
              .hovers = {},
              .framed = {}};
  int choices = 0, widest = first;
  for (int gene = first; gene < first + count; ++gene)
    if (space.choices(gene) > choices) choices = space.choices(widest = gene);
  for (int choice = 0; choice < choices; ++choice) map.columns.push_back(space.choice_name(widest, choice));
  for (int gene = first; gene < first + count; ++gene) {
    std::string place = space.place_name(gene);
    if (const std::size_t arrow = place.find("<-"); arrow != std::string::npos)
      place.replace(arrow, 2, "\u2190");
    map.rows.push_back(place);
    for (int choice = 0; choice < choices; ++choice) {
      const auto has = [&](const Genes& g) { return g[std::size_t(gene)] == choice; };
      const auto counted = std::ranges::count_if(genes, has);
      const double share = double(counted) / double(genes.size());
      map.shades.push_back(choice < space.choices(gene) ? share : kNaN);
      map.texts.push_back(counted == 0 ? "" : count_text(counted));
      map.hovers.push_back(map.rows.back() + ", " + map.columns[std::size_t(choice)] + ": " +
                           count_text(counted) + " of " + count_text(std::int64_t(genes.size())));
      map.framed.push_back(has(genes.front()));
    }
  }
  return figure_of(id, map,
                   "n = the " + count_text(std::int64_t(genes.size())) + " best of " +
                       count_text(record.size(), "architecture") +
                       " by score; how many have the operation there. Framed: the architecture found.");
}

void add_operations(std::vector<Figure>& figures, const SearchRecord& record, const Space& space) {
  int first = 0;
  for (const CellSpec& cell : space.cells()) {
    const std::string name = cell.name;
    figures.push_back(operations_figure(record, space, "operations" + (name.empty() ? "" : "-" + name),
                                        name.empty() ? "" : ", " + name + " cell", first,
                                        int(cell.edges.size())));
    first += int(cell.edges.size());
  }
  if (space.cells().empty())
    figures.push_back(operations_figure(record, space, "operations", "", 0, space.gene_count()));
}

Figure agreement_figure(const SearchRecord& record) {
  std::vector<const SearchRecord::Column*> columns;
  for (const SearchRecord::Column& column : record.columns) columns.push_back(&column);
  for (const std::size_t column : record.main_accuracies(3)) columns.push_back(&record.accuracies[column]);
  return figure_of(
      "agreement", agreement_map("Rank agreement of scores", columns),
      "n = " + count_text(record.size(), "evaluated architecture") + "; Kendall's tau-b (no unit).");
}

}  // namespace

DrawnPoints drawn_points(const SearchRecord& record, int limit) {
  std::vector<int> always = record.top(kListed);
  if (const SearchRecord::Column* macs = record.find("macs"))
    for (const int place : pareto_front(macs->values, record.scores())) always.push_back(place);
  for (const GenerationSummary& g : generation_summaries(record)) always.push_back(g.best_so_far);
  DrawnPoints points{shown_places(record, always, limit), std::vector<int>(record.texts.size(), -1)};
  for (std::size_t row = 0; row < points.places.size(); ++row)
    points.row_of[std::size_t(points.places[row])] = int(row);
  return points;
}

std::vector<Figure> search_figures(const SearchRecord& record, const std::vector<SearchRecord>& others,
                                   const Space& space, const DrawnPoints& points) {
  std::vector<Figure> figures;
  if (record.size() == 0) return figures;
  if (record.generations() > 0)
    figures.push_back(evolution_figure(record, others, points));
  else
    figures.push_back(distribution_figure(record));
  const SearchRecord::Column& score = record.columns[record.score_column];
  if (record.find("macs") != nullptr && score.name != "macs")
    figures.push_back(cost_figure(record, others, points));
  add_operations(figures, record, space);
  if (record.size() < 2) return figures;
  if (record.columns.size() + record.accuracies.size() > 1) figures.push_back(agreement_figure(record));
  for (const SearchRecord::Column& column : record.columns) {
    if (column.name == score.name || column.name == "macs") continue;
    PointCloud cloud = point_cloud(record, points, column, score);
    cloud.plot.title = "Score against " + column.name;
    figures.push_back(
        figure_of("score-" + column.name, std::move(cloud.plot), cloud.caption, FigureWidth::third));
  }
  return figures;
}

}  // namespace rlnas
