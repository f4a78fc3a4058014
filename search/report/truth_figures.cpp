#include <algorithm>
#include <cmath>

#include "search/report/markup.h"
#include "search/report/point_cloud.h"
#include "search/report/search_figures.h"

namespace rlnas {
namespace {

constexpr std::size_t kPlotted = 6;  // columns of the table that get a plot

std::string cell(const std::string& text, const char* tag = "td") {
  return std::string("<") + tag + '>' + escaped(text) + "</" + tag + '>';
}

std::string table(const std::string& head, const std::string& body) {
  return "<div class=\"scroll\"><table><thead><tr>" + head + "</tr></thead><tbody>" + body +
         "</tbody></table></div>";
}

std::string over_text(const SearchReport& report) {
  return report.correlated == report.space_size
             ? "all " + count_text(report.correlated, "architecture") + " of the space"
             : "the " + count_text(report.correlated, "evaluated architecture");
}

Figure accuracy_plot(const SearchRecord& record, const SearchReport& report, std::size_t column,
                     const DrawnPoints& points) {
  const SearchRecord::Column& accuracy = record.accuracies[column];
  PointCloud cloud = point_cloud(record, points, record.columns[record.score_column], accuracy);
  cloud.plot.title = "Score against " + accuracy.name;
  if (column < report.correlations.size())
    cloud.caption += " tau-b " + fixed_text(report.correlations[column].score.all.kendall_tau_b, 3) +
                     " over " + over_text(report) + ".";
  return figure_of("truth-" + accuracy.name, std::move(cloud.plot), cloud.caption, FigureWidth::third);
}

Figure standing_table(const SearchReport& report) {
  std::string body;
  for (const ColumnCorrelation& c : report.correlations)
    body += "<tr>" + cell(c.column, "th") + cell(fixed_text(c.best.accuracy, 2)) +
            cell(count_text(c.best.rank)) + cell(fixed_text(c.best.percentile, 2)) +
            cell(fixed_text(c.score.all.kendall_tau_b, 3)) + cell(fixed_text(c.score.all.spearman, 3)) +
            cell(fixed_text(c.score.live.kendall_tau_b, 3)) + cell(fixed_text(c.score.equal_macs, 3)) +
            "</tr>";
  const std::string head = cell("accuracy", "th") + cell("found (%)", "th") + cell("rank", "th") +
                           cell("percentile", "th") + cell("tau-b", "th") + cell("Spearman", "th") +
                           cell("tau-b, live", "th") + cell("tau-b, equal MACs", "th");
  return {"truth-standing", "Where the found architecture stands, and agreement with true accuracies",
          table(head, body),
          "n = " + count_text(report.space_size, "architecture") +
              " of the table, for rank and percentile (0 to 100, share of the others that are not better). "
              "Correlations of score and accuracy: over " +
              over_text(report) + "; live: over the " + count_text(report.correlated_live) +
              " of them without unreachable operations; equal MACs: within groups of at least ten that cost "
              "the same.",
          FigureWidth::full};
}

Figure top_table(const SearchRecord& record, const std::vector<std::size_t>& columns) {
  std::string head = cell("top k by score", "th"), body;
  for (const std::size_t c : columns)
    head += cell(record.accuracies[c].name + ": best", "th") + cell("mean", "th");
  std::vector<int> sizes;
  for (const int k : {1, 5, 10, 50, 100, 500, 1000})
    if (k < record.size()) sizes.push_back(k);
  sizes.push_back(record.size());
  for (const int k : sizes) {
    body += "<tr>" + cell(k == record.size() ? "all " + count_text(k) : count_text(k), "th");
    for (const std::size_t c : columns) {
      double best = 0.0, sum = 0.0;
      for (const int place : record.top(k)) {
        best = std::max(best, record.accuracies[c].values[std::size_t(place)]);
        sum += record.accuracies[c].values[std::size_t(place)];
      }
      body += cell(fixed_text(best, 2)) + cell(fixed_text(sum / k, 2));
    }
    body += "</tr>";
  }
  return {"truth-top", "True accuracy of the best by score", table(head, body),
          "n = " + count_text(record.size(), "evaluated architecture") +
              ". Best and mean accuracy (%) of the k architectures with the highest score.",
          FigureWidth::full};
}

}  // namespace

std::vector<Figure> truth_figures(const SearchRecord& record, const SearchReport& report,
                                  const DrawnPoints& points) {
  if (record.accuracies.empty() || record.size() == 0) return {};
  const std::vector<std::size_t> columns = record.main_accuracies(kPlotted);
  std::vector<Figure> figures;
  for (const std::size_t column : columns) figures.push_back(accuracy_plot(record, report, column, points));
  if (!report.correlations.empty()) figures.push_back(standing_table(report));
  figures.push_back(top_table(record, columns));
  return figures;
}

}  // namespace rlnas
