#include "apps/search_options.h"

#include "search/export/export_files.h"
#include "search/score.h"
#include "search/search_fields.h"

namespace rlnas {
namespace {

// The headings of --help, each with an example.
const char* group_label(SearchGroup group) {
  switch (group) {
    case SearchGroup::space:
      return "Space and SuperNet (--supernet runs/a)";
    case SearchGroup::method:
      return "Method (--method evolution --generations 40)";
    case SearchGroup::score:
      return "Score (--score az-nas+synflow)";
    case SearchGroup::result:
      return "Results (--truth nasbench201 --csv all.csv)";
    case SearchGroup::device:
      break;
  }
  return "Device (--threads 4)";
}

}  // namespace

void declare_search_options(CLI::App& app, SearchOptions& o, const std::string& space) {
  o.request = search::default_options(space);
  o.request.space.clear();  // unless it is asked for
  visit_search_fields(o.request, [&](const SearchField& field, auto& value) {
    CLI::Option* const option = o.choices.add(app, field.name, field.help, value);
    option->group(group_label(field.group));
    if (field.type != nullptr) option->type_name(field.type);
  });
  const std::string spaces = group_label(SearchGroup::space), results = group_label(SearchGroup::result);
  app.add_option("--describe", o.describe, "Describe one architecture of --space; needs no SuperNet")
      ->type_name("ARCH")
      ->group(spaces);
  app.add_option("--export", o.exports,
                 "With --describe: write its network, of KIND " + words_of<ExportKind>(" | ") +
                     ", with fresh weights or those of --supernet or --trained; may be repeated")
      ->type_name("KIND:FILE")
      ->group(spaces);
  app.add_option("--json", o.json, "Write the report as JSON; - is standard output")
      ->type_name("FILE")
      ->group(results);
  app.add_option("--csv", o.csv, "Write every evaluated architecture")->type_name("FILE")->group(results);
  app.add_option("--compare", o.compared,
                 "Instead of a search: a table of runs and of what searches of them found, by their run "
                 "directories and what --report left in them or in their report/")
      ->type_name("DIR")
      ->group(results);
  app.add_flag("--quiet", o.quiet, "Print no progress")->configurable(false)->group(results);
  app.footer(
      "\nScores, by what they need; several joined by + are the sum of the logarithms of their ranks:\n" +
      score_table());
  declare_comm_options(app, o.comm);
}

}  // namespace rlnas
