#include "search/report/run_figures.h"

#include "search/report/agreement_map.h"
#include "search/report/html.h"
#include "search/report/markup.h"

namespace rlnas {
namespace {

std::string last(const std::vector<double>& values, int digits) {
  return values.empty() ? "" : number_text(values.back(), digits);
}

// The runs beside each other, in numbers.
Figure runs_table(const std::vector<ReportedRun>& runs) {
  const auto cell = [](const std::string& text, const char* kind = "") {
    return std::string("<td") + kind + '>' + escaped(text) + "</td>";
  };
  std::string body;
  for (const ReportedRun& run : runs) {
    const TrainingRecord::Epochs& e = run.training.epochs;
    body += "<tr><th>" + escaped(run.label) + "</th>" +
            cell(e.epoch.empty() ? "" : count_text(std::int64_t(e.epoch.back()))) + cell(last(e.loss, 4)) +
            cell(run.training.has_angles() ? last(e.angle_mean_rad, 4) : "");
    if (!run.search || run.search->best() < 0) {
      body += cell("") + cell("") + cell("") + cell("not searched", " class=\"words\"") + "</tr>";
      continue;
    }
    const SearchRecord& search = *run.search;
    const std::size_t best = std::size_t(search.best());
    const SearchRecord::Column* macs = search.find("macs");
    body += cell(search.score) + cell(number_text(search.scores()[best], 6)) +
            cell(macs == nullptr ? "" : number_text(macs->values[best], 5)) + "<td class=\"words\">" +
            copied_text(search.texts[best]) + "</td></tr>";
  }
  const std::string head =
      "<th>run</th><th>epochs</th><th>loss (nats)</th><th>mean angle (rad)</th><th>score</th><th>its "
      "value</th><th>MFLOPs or million MACs</th><th class=\"words\">found</th>";
  return {"runs-table", "The runs in numbers",
          "<div class=\"scroll\"><table><thead><tr>" + head + "</tr></thead><tbody>" + body +
              "</tbody></table></div>",
          "n = " + count_text(std::int64_t(runs.size()), "run") +
              ". Loss and mean angle of the last epoch; a search is of the run in its row.",
          FigureWidth::full};
}

Figure agreement_figure(const std::vector<const SearchRecord*>& searches) {
  const std::vector<SearchRecord::Column> scores = scores_side_by_side(searches);
  std::vector<const SearchRecord::Column*> columns;
  for (const SearchRecord::Column& score : scores) columns.push_back(&score);
  return figure_of(
      "runs-agreement", agreement_map("Agreement of the runs' scores", columns),
      "n = " + count_text(std::int64_t(scores.front().values.size()), "architecture") +
          ", of which a pair of runs shares those that both evaluated; Kendall's tau-b (no unit) of " +
          searches.front()->score + ".");
}

}  // namespace

std::vector<Figure> run_figures(const std::vector<ReportedRun>& runs) {
  if (runs.size() < 2) return {};
  std::vector<Figure> figures{runs_table(runs)};
  std::vector<const SearchRecord*> searches;
  for (const ReportedRun& run : runs)
    if (run.search && comparable(searches.empty() ? *run.search : *searches.front(), *run.search))
      searches.push_back(&*run.search);
  if (searches.size() > 1) figures.push_back(agreement_figure(searches));
  return figures;
}

}  // namespace rlnas
