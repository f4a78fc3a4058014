#include "apps/search_options.h"

#include "kernels/words.h"
#include "search/export/export_files.h"
#include "search/score.h"
#include "search/search_run.h"
#include "search/spaces.h"

namespace rlnas {
namespace {

// The headings of --help, each with an example.
constexpr const char* kSpaceGroup = "Space and SuperNet (--supernet runs/a)";
constexpr const char* kMethodGroup = "Method (--method evolution --generations 40)";
constexpr const char* kScoreGroup = "Score (--score az-nas+synflow)";
constexpr const char* kResultGroup = "Results (--truth nasbench201 --csv all.csv)";
constexpr const char* kDeviceGroup = "Device (--threads 4)";

}  // namespace

void declare_search_options(CLI::App& app, SearchOptions& o, const std::string& space) {
  const SearchDefaults defaults = search_defaults(space);
  o.evolution = defaults.evolution;
  o.max_mflops = defaults.max_mflops;
  o.max_params = defaults.max_params;
  o.evolution.label_draws = 0;
  app.add_option("--space", o.space,
                 known_spaces() + " (default: the SuperNet's); the defaults below are its published search")
      ->capture_default_str()
      ->group(kSpaceGroup);
  app.add_option("--supernet", o.supernet, "Run directory: compares its init and latest.safetensors")
      ->type_name("DIR")
      ->group(kSpaceGroup);
  app.add_option("--init", o.init, "Weights before training, instead of the run directory's")
      ->type_name("FILE")
      ->group(kSpaceGroup);
  app.add_option("--trained", o.trained, "Weights after training, instead of the run directory's")
      ->type_name("FILE")
      ->group(kSpaceGroup);
  app.add_option("--describe", o.describe, "Describe one architecture of --space; needs no SuperNet")
      ->type_name("ARCH")
      ->group(kSpaceGroup);
  app.add_option("--export", o.exports,
                 "With --describe: write its network, of KIND " + words_of<ExportKind>(" | ") +
                     ", with fresh weights or those of --supernet or --trained; may be repeated")
      ->type_name("KIND:FILE")
      ->group(kSpaceGroup);
  app.add_option("--classes", o.classes, "Classes of the network counted; 0: the SuperNet's, or 10")
      ->group(kSpaceGroup);
  app.add_option("--image-size", o.image_size, "Image size of the network counted; 0: the published")
      ->group(kSpaceGroup);
  app.add_option("--method", o.method, "exact: the provably largest angle")
      ->type_name(words_of<SearchMethod>("|"))
      ->group(kMethodGroup);
  app.add_option("--max-mflops", o.max_mflops,
                 "Largest cost in millions of multiply-accumulates; 0: no limit")
      ->group(kMethodGroup);
  app.add_option("--max-params", o.max_params, "Largest number of parameters; 0: no limit")
      ->group(kMethodGroup);
  app.add_flag("--gap", o.gap, "Also report how far the largest angle found is from the optimum")
      ->group(kMethodGroup);
  app.add_option("--seed", o.evolution.seed, "Seed of the search")->group(kMethodGroup);
  app.add_option("--population", o.evolution.population, "Architectures per generation")->group(kMethodGroup);
  app.add_option("--parents", o.evolution.top, "The best so many are parents")->group(kMethodGroup);
  app.add_option("--mutants", o.evolution.mutants, "Mutants per generation")->group(kMethodGroup);
  app.add_option("--crossovers", o.evolution.crossovers, "Crossovers per generation")->group(kMethodGroup);
  app.add_option("--generations", o.evolution.generations, "Generations")->group(kMethodGroup);
  app.add_option("--mutation-probability", o.evolution.mutation_probability, "Of each gene")
      ->group(kMethodGroup);
  app.add_option("--compat", o.compat, "megvii: the published search, draw for draw")
      ->type_name(words_of<Compat>("|"))
      ->group(kMethodGroup);
  app.add_option("--label-draws", o.evolution.label_draws,
                 "With --compat megvii: labels drawn before the search; 0: as the published data set of so "
                 "many classes")
      ->group(kMethodGroup);
  app.add_option("--score", o.score, "What architectures are ranked by: see Scores below")
      ->group(kScoreGroup);
  app.add_option("--probe-batch", o.probe.batch, "Images in a batch of networks with fresh weights")
      ->capture_default_str()
      ->group(kScoreGroup);
  app.add_option("--probe-draws", o.probe.draws,
                 "Draws of fresh weights and inputs that a value is the mean over")
      ->capture_default_str()
      ->group(kScoreGroup);
  app.add_option("--probe-seed", o.probe.seed, "Seed of those draws")
      ->capture_default_str()
      ->group(kScoreGroup);
  app.add_option("--probe-data", o.probe.data,
                 "Images with true labels for indicators whose papers look at some, as --data of rlnas_train "
                 "(default: noise under random labels)")
      ->type_name("DATA")
      ->group(kScoreGroup);
  app.add_option(
         "--data", o.data,
         "Images the SuperNet was trained on, as of rlnas_train (default: those of the run directory); "
         "an architecture is tried on those that the run did not train on: the other half of cifar10, or "
         "those beyond --images; with random labels on those that it did")
      ->type_name("DATA")
      ->group(kScoreGroup);
  app.add_option("--eval", o.eval_data,
                 "Images to try architectures on instead: the test images of cifar10, cifar100 and idx, or a "
                 "folder")
      ->type_name("DATA")
      ->group(kScoreGroup);
  app.add_option("--labels", o.labels,
                 "Those the SuperNet was trained on (default: those of the run directory)")
      ->type_name(words_of<LabelKind>("|"))
      ->group(kScoreGroup);
  app.add_option(
         "--recalibration-batches", o.eval.recalibration_batches,
         "Batches of training images that the statistics of batch norms are taken from, along the path "
         "of each architecture; 0: those that training left, which fit no path")
      ->capture_default_str()
      ->group(kScoreGroup);
  app.add_option("--eval-images", o.eval.eval_images,
                 "Images an architecture is tried on, at most; 0: all there are")
      ->capture_default_str()
      ->group(kScoreGroup);
  app.add_option("--eval-batch", o.eval.batch, "Images of a batch of either")
      ->capture_default_str()
      ->group(kScoreGroup);
  app.add_option("--scores", o.scores,
                 "Values measured before, which are not measured again: scores.csv or a --csv")
      ->type_name("FILE")
      ->group(kScoreGroup);
  app.add_option("--top", o.top, "How many of the best architectures to list")->group(kResultGroup);
  app.add_option("--truth", o.truth,
                 "Table of true accuracies to compare with: nasbench201 (built in), or a .csv or .csv.gz")
      ->type_name("TABLE")
      ->group(kResultGroup);
  app.add_option("--json", o.json, "Write the report as JSON; - is standard output")
      ->type_name("FILE")
      ->group(kResultGroup);
  app.add_option("--csv", o.csv, "Write every evaluated architecture")
      ->type_name("FILE")
      ->group(kResultGroup);
  app.add_option("--report", o.report.directory,
                 "Write report.html and the data of its figures into this directory")
      ->type_name("DIR")
      ->group(kResultGroup);
  app.add_option("--report-runs", o.report.runs,
                 "Runs to show beside this one: run directories, or what --report wrote")
      ->type_name("DIR")
      ->group(kResultGroup);
  app.add_option("--compare", o.compared,
                 "Instead of a search: a table of runs and of what searches of them found, by their run "
                 "directories and what --report left in them or in their report/")
      ->type_name("DIR")
      ->group(kResultGroup);
  app.add_option("--out", o.out, "Directory of search_state.json and scores.csv (default: the run directory)")
      ->type_name("DIR")
      ->group(kResultGroup);
  app.add_flag("--profile", o.profile,
               "At the end, print where the time of a network goes, by operation and by indicator")
      ->group(kResultGroup);
  app.add_flag("--resume", o.resume, "Go on from search_state.json and scores.csv")->group(kResultGroup);
  app.add_flag("--quiet", o.quiet, "Print no progress")->configurable(false)->group(kResultGroup);
  app.add_option("--device", o.device,
                 "Where angles and indicators are computed: auto | cpu | cuda[:N] | ref")
      ->group(kDeviceGroup);
  app.add_option("--threads", o.threads, "CPU threads; 0: all cores")->group(kDeviceGroup);
  app.footer(
      "\nScores, by what they need; several joined by + are the sum of the logarithms of their ranks:\n" +
      score_table());
  declare_comm_options(app, o.comm);
}

}  // namespace rlnas
