// The fields of search::Options that text can say, all in one list: their names as flags and settings, and
// what they mean. The command line of rlnas_search and rlnas_search_set of the C ABI both walk it; choices
// (enums) are written there by their words (kernels/words.h).
#pragma once

#include "rlnas/search.hpp"
#include "search/search_run.h"
#include "search/spaces.h"

namespace rlnas {

// What --help is divided by.
enum class SearchGroup { space, method, score, result, device };

struct SearchField {
  const char* name;  // as a flag and a setting
  const char* help;
  SearchGroup group;
  const char* type = nullptr;  // of its value, in --help: "FILE"; null: as its C++ type says
};

inline const char* searched_space_help() {
  static const std::string help =
      known_spaces() + " (default: the SuperNet's); the defaults below are its published search";
  return help.c_str();
}

// Calls visit(SearchField, value) for every field.
template <class Visitor>
void visit_search_fields(search::Options& o, Visitor&& visit) {
  using enum SearchGroup;
  visit({"space", searched_space_help(), space}, o.space);
  visit({"supernet", "Run directory: compares its init and latest.safetensors", space, "DIR"}, o.supernet);
  visit({"init", "Weights before training, instead of the run directory's", space, "FILE"}, o.init);
  visit({"trained", "Weights after training, instead of the run directory's", space, "FILE"}, o.trained);
  visit({"classes", "Classes of the network counted; 0: the SuperNet's, or 10", space}, o.classes);
  visit({"image-size", "Image size of the network counted; 0: the published", space}, o.image_size);
  visit({"method", "exact: the provably largest angle", method}, o.method);
  visit({"max-mflops", "Largest cost in millions of multiply-accumulates; 0: no limit", method},
        o.max_mflops);
  visit({"max-params", "Largest number of parameters; 0: no limit", method}, o.max_params);
  visit({"gap", "Also report how far the largest angle found is from the optimum", method}, o.report_gap);
  visit({"seed", "Seed of the search", method}, o.evolution.seed);
  visit({"population", "Architectures per generation", method}, o.evolution.population);
  visit({"parents", "The best so many are parents", method}, o.evolution.top);
  visit({"mutants", "Mutants per generation", method}, o.evolution.mutants);
  visit({"crossovers", "Crossovers per generation", method}, o.evolution.crossovers);
  visit({"generations", "Generations", method}, o.evolution.generations);
  visit({"mutation-probability", "Of each gene", method}, o.evolution.mutation_probability);
  visit({"compat", "megvii: the published search, draw for draw", method}, o.compat);
  visit({"label-draws",
         "With --compat megvii: labels drawn before the search; 0: as the published data set of so many "
         "classes",
         method},
        o.evolution.label_draws);
  visit({"score", "What architectures are ranked by: see Scores below", score}, o.score);
  visit({"probe-batch", "Images in a batch of networks with fresh weights", score}, o.probe.batch);
  visit({"probe-draws", "Draws of fresh weights and inputs that a value is the mean over", score},
        o.probe.draws);
  visit({"probe-seed", "Seed of those draws", score}, o.probe.seed);
  visit({"probe-data",
         "Images with true labels for indicators whose papers look at some, as --data of rlnas_train "
         "(default: noise under random labels)",
         score, "DATA"},
        o.probe.data);
  visit({"data",
         "Images the SuperNet was trained on, as of rlnas_train (default: those of the run directory); an "
         "architecture is tried on those that the run did not train on: the other half of cifar10, or those "
         "beyond --images; with random labels on those that it did",
         score, "DATA"},
        o.data);
  visit({"eval",
         "Images to try architectures on instead: the test images of cifar10, cifar100 and idx, or a folder",
         score, "DATA"},
        o.eval_data);
  visit({"labels", "Those the SuperNet was trained on (default: those of the run directory)", score},
        o.labels);
  visit({"recalibration-batches",
         "Batches of training images that the statistics of batch norms are taken from, along the path of "
         "each architecture; 0: those that training left, which fit no path",
         score},
        o.recalibration_batches);
  visit({"eval-images", "Images an architecture is tried on, at most; 0: all there are", score},
        o.eval_images);
  visit({"eval-batch", "Images of a batch of either", score}, o.eval_batch);
  visit({"scores", "Values measured before, which are not measured again: scores.csv or a --csv", score,
         "FILE"},
        o.known_scores);
  visit({"top", "How many of the best architectures to list", result}, o.top);
  visit({"truth", "Table of true accuracies to compare with: nasbench201 (built in), or a .csv or .csv.gz",
         result, "TABLE"},
        o.truth);
  visit({"report", "Write report.html and the data of its figures into this directory", result, "DIR"},
        o.report);
  visit(
      {"report-runs", "Runs to show beside this one: run directories, or what --report wrote", result, "DIR"},
      o.report_runs);
  visit({"out", "Directory of search_state.json and scores.csv (default: the run directory)", result, "DIR"},
        o.out);
  visit({"profile", "At the end, print where the time of a network goes, by operation and by indicator",
         result},
        o.device.profile);
  visit({"resume", "Go on from search_state.json and scores.csv", result}, o.resume);
  visit({"device", "Where angles and indicators are computed: auto | cpu | cuda[:N] | ref", device},
        o.device.name);
  visit({"threads", "CPU threads; 0: all cores", device}, o.device.threads);
}

}  // namespace rlnas
