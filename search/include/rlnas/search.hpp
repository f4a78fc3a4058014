// Searching for architectures: spaces, SuperNets trained by train() (rlnas/train.hpp) or elsewhere, their
// angles and other indicators, your own among them, evolution and exact search over them, reports and
// exports.
//
//   rlnas::search::Options options = rlnas::search::default_options("nasbench201");
//   options.supernet = "runs/a";                      // a run directory of train()
//   options.own = {{"short", [](const std::string& arch) { return -double(arch.size()); }}};
//   options.score = "angle+short";                    // the sum of the logarithms of their ranks
//   const rlnas::search::Report report = rlnas::search::run(options);
//   report.best().arch;
//
// An architecture is text, as rlnas_search writes it: "|nor_conv_3x3~0|+|...", a DARTS genotype, operations
// of a space of a file. A space is named as --space names it, also "file:PATH". Errors: rlnas::Error, usage
// for what does not fit, naming the flag of rlnas_search that it would be; data for files.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "rlnas/search_options.hpp"
#include "rlnas/train.hpp"

namespace rlnas {

// The angles of architectures, in radians, of the SuperNet in a run directory (one that holds
// init.safetensors and latest.safetensors), whatever its space. Errors: usage for a text that is no
// architecture of the space, saying at which character; data for the files.
RLNAS_API std::vector<double> angles(const std::string& run_directory,
                                     const std::vector<std::string>& architectures);

}  // namespace rlnas

namespace rlnas::search {

// ---- spaces

RLNAS_API std::vector<std::string> spaces();  // built in; the first is the default

struct Architecture {
  std::string arch = {};     // as the space writes it
  std::int64_t macs = 0;     // multiply-accumulates of the stand-alone network for one image
  std::int64_t params = 0;   // its parameters
  int benchmark_index = -1;  // of a public benchmark's tables
  std::string drawing = {};  // some lines of text for people
  std::string json = {};     // as rlnas_search --describe --json
};
// classes, image_size: of the network that is counted; 0: as published.
RLNAS_API Architecture describe(const std::string& space, const std::string& arch, int classes = 0,
                                int image_size = 0);
// A fixed sample, the same in every run, for studies.
RLNAS_API std::vector<std::string> sample(const std::string& space, int count);

// ---- angles of weights in memory, wherever they were trained

struct TensorShape {
  std::string name;                 // in the state dict
  std::vector<std::int64_t> shape;  // PyTorch's: convolutions OIHW
};
// All trained tensors of the SuperNet of a space.
RLNAS_API std::vector<TensorShape> supernet_tensors(const std::string& space, int classes);

struct TensorWeights {
  std::string name;
  const float* initial = nullptr;  // before training
  const float* trained = nullptr;
  std::int64_t count = 0;
};
// Units: radians. Errors: usage for a tensor that is missing, not the SuperNet's, or of another size.
RLNAS_API std::vector<double> angles_of(const std::string& space, int classes,
                                        std::span<const TensorWeights> weights,
                                        const std::vector<std::string>& architectures);

// ---- indicators

struct Indicator {
  std::string name, help;
  bool needs_supernet = false;  // a trained one
  bool needs_images = false;    // those that it was trained on, or others
};
RLNAS_API std::vector<Indicator> indicators();

// One of the caller's own. More is better; minus infinity: never chosen.
struct OwnIndicator {
  std::string name = {};                                      // letters, digits, - and _
  std::function<double(const std::string& arch)> value = {};  // called once each, on the thread that searches
};

// ---- searches

struct Options {
  std::string space;          // empty: the SuperNet's, or the default one
  std::string supernet;       // run directory; empty: none
  std::string init, trained;  // its weights before and after training, where they lie elsewhere
  SearchMethod method = SearchMethod::evolution;
  std::string score = "angle";  // an indicator, or several joined by +; own ones too
  std::vector<OwnIndicator> own;
  EvolutionOptions evolution;
  Compat compat = Compat::none;
  double max_mflops = 0.0;          // largest cost in millions of multiply-accumulates; 0: no limit
  std::int64_t max_params = 0;      // likewise
  int classes = 0, image_size = 0;  // of the network that is counted; 0: the SuperNet's, or as published
  ProbeConfig probe;                // of indicators that look at fresh networks
  // Of indicators that try the trained SuperNet on images:
  std::string data, eval_data;      // as --data and --eval of rlnas_search; empty: those of the run
  std::optional<LabelKind> labels;  // it was trained on; none: as the run says
  int recalibration_batches = 10, eval_images = 1000, eval_batch = 100;
  SearchDevice device;
  bool report_gap = false;  // also find the optimum, and say how far the best found is from it
  int top = 10;             // architectures that the report lists
  std::string truth;        // table of true accuracies to compare with; empty: none
  std::string out;          // directory of what an interrupted search goes on from; empty: nothing is kept
  bool resume = false;      // go on from there
  std::vector<std::string> known_scores;  // tables of values that need not be measured again
  std::string report;                     // directory for report.html; empty: none
  std::vector<std::string> report_runs;   // to show beside it
};

// The published search of a space.
RLNAS_API Options default_options(const std::string& space);

struct Generation {
  int number = 0;  // from 1
  std::int64_t evaluated = 0;
  std::string best;
  double best_score = 0.0;
};

struct Callbacks {
  std::function<void(const Generation&)> generation = {};  // after each, of evolution and random search
  // Networks measured, of those that a step of the search needs.
  std::function<void(std::int64_t done, std::int64_t total, double seconds)> measured = {};
  std::function<bool()> should_stop = {};                  // asked at least every few candidates
  std::function<void(const Preparation&)> preparing = {};  // while files are read, every 20 ms
};

struct Found {
  std::string arch;
  double score = 0.0;
  std::vector<double> values;  // of Report::indicators
  int rank = 0;                // among all evaluated, from 1
  int generation = 0;          // that evaluated it, from 1; 0 where there are none
  int benchmark_index = -1;
};

struct Report {
  bool interrupted = false;             // should_stop said so: there is nothing else in it
  std::vector<std::string> indicators;  // told of every architecture
  std::vector<Found> evaluated;         // in order
  std::vector<Found> top;               // best first
  // Of method exact, and with report_gap.
  struct Optimum {
    Found architecture;
    bool proven = false;
    double bound_rad = 0.0;  // nothing within the limits has a larger angle
  };
  std::optional<Optimum> optimum;
  std::string text, json, csv;  // as rlnas_search prints and writes them
  std::string profile;          // with SearchDevice::profile: where the time went

  const Found& best() const { return top.front(); }
};

// Determinism: a function of options and files.
RLNAS_API Report run(const Options& options, const Callbacks& callbacks = {});

// Values of Options::score for architectures, without a search. Shapes: [architecture][indicator], in the
// order of the score's terms (terms_of()). Errors: also interrupted, when should_stop says so.
RLNAS_API std::vector<std::string> terms_of(const Options& options);
RLNAS_API std::vector<double> scores(const Options& options, const std::vector<std::string>& architectures,
                                     const Callbacks& callbacks = {});

// ---- exports

struct ExportOptions {
  std::string space = {};  // empty: that of the weights, or the default one
  std::string arch = {};
  // Weights: a file of a stand-alone run, or a SuperNet's run directory; neither: fresh ones.
  std::string trained = {}, supernet = {};
  int classes = 0, image_size = 0;
};
// files: KIND:FILE, of kind onnx, pytorch, dot, json or svg. Returns the files written.
RLNAS_API std::vector<std::string> export_network(const ExportOptions& options,
                                                  const std::vector<std::string>& files);

}  // namespace rlnas::search
