#include "apps/train_app.h"

#include <unistd.h>

#include <iostream>
#include <memory>

#include "apps/cli.h"
#include "apps/comm_options.h"
#include "apps/field_options.h"
#include "apps/progress_printer.h"
#include "apps/signal_guard.h"
#include "data/dataset.h"
#include "data/image_check.h"
#include "kernels/words.h"
#include "search/report/report_files.h"
#include "search/train_fields.h"
#include "search/trainer.h"
#include "search/training_data.h"

namespace rlnas {
namespace {

std::string mebibytes(std::uint64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f MiB", double(bytes) / (1 << 20));
  return text;
}

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f %%", 100.0 * share);
  return text;
}

void print_plan(const TrainPlan& plan, bool calls, std::ostream& out) {
  out << "device             " << plan.device << "\n"
      << "images             " << plan.images << " in " << plan.classes << " classes\n"
      << "parameters         " << plan.parameters << "\n"
      << "steps              " << plan.steps << " (" << plan.steps_per_epoch << " an epoch)\n"
      << "memory, step       " << mebibytes(plan.step_memory_bytes) << " (largest path)\n"
      << "memory, weights    " << mebibytes(plan.fixed_memory_bytes) << "\n"
      << "memory, images     " << mebibytes(plan.data_memory_bytes) << "\n"
      << "compute            " << plan.train_gflop_per_step << " GFLOP a step (largest path)\n\n";
  if (calls) {
    out << "forward pass of the largest path, [N,H,W,C]:\n";
    for (const std::string& line : plan.calls) out << "  " << line << "\n";
    return;
  }
  char line[128];
  std::snprintf(line, sizeof(line), "%-18s  %15s  %11s  %9s  %14s\n", "stage", "output, HxWxC", "parameters",
                "MMACs", "written, MiB");
  out << line;
  for (const TrainPlan::Stage& stage : plan.stages) {
    char shape[48];
    std::snprintf(shape, sizeof(shape), "%dx%dx%d", stage.height, stage.width, stage.channels);
    std::snprintf(line, sizeof(line), "%-18s  %15s  %11lld  %9.2f  %14.2f\n", stage.name.c_str(), shape,
                  static_cast<long long>(stage.parameters), double(stage.macs) / 1e6,
                  double(stage.written_bytes) / (1 << 20));
    out << line;
  }
  out << "(parameters of all candidates; the rest for one image along the largest path; --dry-run=calls "
         "lists every call)\n";
}

void print_check(const DataCheck& check, std::ostream& out) {
  out << "data      " << check.name << "\n"
      << "images    " << check.count << " of " << check.height << "x" << check.width << " pixels\n"
      << "classes   " << check.classes << "\n"
      << "checksum  " << check.checksum << "\n"
      << "per class";
  for (const std::size_t count : check.histogram) out << " " << count;
  out << "\nbad files " << check.skipped.size() << "\n";
  if (!check.first_bad.empty()) out << "first bad " << check.first_bad << "\n";
}

void print_check(const std::string& name, const ImageList& list, const ImageCheck& check, std::ostream& out) {
  out << "data      " << name << "\n"
      << "images    " << check.count << " of " << check.smallest.height << "x" << check.smallest.width
      << " to " << check.largest.height << "x" << check.largest.width << " pixels\n"
      << "classes   " << list.classes() << "\n"
      << "checksum  " << check.checksum << "\n"
      << "per class";
  for (const std::size_t count : check.histogram) out << " " << count;
  out << "\nbad files " << check.bad.size() << "\n";
  for (const std::string& bad : check.bad) out << "bad       " << bad << "\n";
}

// The headings of --help, each with an example.
std::string group_label(TrainGroup group) {
  switch (group) {
    case TrainGroup::network:
      return "Network (--space mobilenet)";
    case TrainGroup::data:
      return "Data (--data folder:DIR --image-size 64)";
    case TrainGroup::labels:
      return "Labels (--labels random --label-seed 3)";
    case TrainGroup::recipe:
      return "Recipe: the defaults are the published one of the space (--epochs 20 --learning-rate 0.05)";
    case TrainGroup::eval:
      return "Test of --arch (--eval cifar10:DIR --eval-every 5)";
    case TrainGroup::run:
      return "Run (--out runs/a --resume auto)";
    case TrainGroup::device:
      break;
  }
  return "Device (--device cuda:1 --threads 8)";
}

}  // namespace

int train_main(int argc, const char* const* argv, std::ostream& out, std::ostream& err) {
  if (argc <= 1) {
    err << "rlnas_train --data cifar10:DIR --out runs/a      trains a SuperNet on random labels (no images "
           "at hand? --data synthetic)\n"
           "rlnas_search --supernet runs/a                   then finds the architecture whose weights "
           "turned furthest\n"
           "rlnas_train --help                               lists all options; "
           "./quickstart.sh does all of it\n";
    return int(ErrorCode::usage);
  }
  TrainConfig config;
  CommOptions comm;
  std::string dry_run;
  bool check_only = false, quiet = false;
  ReportRequest report;
  FieldOptions choices;
  const auto declare = [&](CLI::App& app) {
    const std::string space = peek_option(argc, argv, "space"), arch = peek_option(argc, argv, "arch"),
                      method = peek_option(argc, argv, "method");
    if (!space.empty()) config.network.space = space;
    config = !arch.empty() ? default_retrain_config(config.network.space)
             : !method.empty()
                 ? default_mixture_config(config.network.space, parse_word<TrainMethod>("--method", method))
                 : default_train_config(config.network.space);
    visit_train_fields(config, [&](const TrainField& field, auto& value) {
      choices.add(app, field.name, field.help, value)->group(group_label(field.group));
    });
    declare_comm_options(app, comm);
    app.add_option("--report", report.directory,
                   "write report.html and the data of its figures into this directory, at the end")
        ->type_name("DIR")
        ->group(group_label(TrainGroup::run));
    app.add_option("--report-runs", report.runs, "run directories to show beside this one")
        ->type_name("DIR")
        ->group(group_label(TrainGroup::run));
    app.add_flag("--quiet", quiet, "print nothing but errors")
        ->configurable(false)
        ->group(group_label(TrainGroup::run));
    app.add_option(
           "--dry-run", dry_run,
           "print the plan (network by stage, memory, steps) and exit; calls: every call of a forward pass")
        ->type_name("table|calls")
        ->expected(0, 1)
        ->default_str("table")
        ->configurable(false)
        ->group(group_label(TrainGroup::run));
    app.add_flag("--check-data", check_only, "read all images once, report, and exit")
        ->configurable(false)
        ->group(group_label(TrainGroup::data));
  };
  const auto run = [&]() -> int {
    choices.parse_words();
    if (check_only) {
      RLNAS_CHECK(!config.data.spec.empty(), usage,
                  "--data: say what to check, for example --data cifar10:DIR");
      if (streams_images(config, config.data.spec)) {
        const ImageList list = ImageList::scan(parse_data_spec(config.data.spec).paths.front());
        const ImageCheck check = check_images(list, config.data.threads);
        print_check(config.data.spec, list, check, out);
        return check.bad.empty() ? 0 : int(ErrorCode::data);
      }
      LoadOptions options;
      options.seed = config.recipe.seed;
      options.image_size = config.data.image_size;
      const DataCheck check = check_data(parse_data_spec(config.data.spec), options);
      print_check(check, out);
      return check.first_bad.empty() ? 0 : int(ErrorCode::data);
    }
    if (!dry_run.empty()) {
      RLNAS_CHECK(dry_run == "table" || dry_run == "calls", usage, "--dry-run: '", dry_run,
                  "' is not one of table, calls");
      print_plan(plan_training(config), dry_run == "calls", out);
      return 0;
    }
    const bool terminal = &out == &std::cout && isatty(STDOUT_FILENO) != 0;
    const Display display = quiet ? Display::quiet : terminal ? Display::terminal : Display::plain;
    ProgressPrinter printer(out, display, colours_of_environment());
    const std::unique_ptr<Communicator> communicator = join_ranks(comm);
    const bool leads = communicator->rank() == 0;
    const bool goes_on = !config.run.resume.empty() && config.run.resume != "auto";
    const ReportFiles report_files(leads ? report : ReportRequest{},
                                   goes_on ? config.run.resume : config.run.out);
    const SignalGuard guard;
    const TrainResult result = train(config,
                                     {.log = [&](const std::string& line) { printer.log(line); },
                                      .progress = [&](const TrainProgress& p) { printer.progress(p); },
                                      .should_stop = [] { return SignalGuard::caught() != 0; },
                                      .preparing = [&](const Preparation& now) { printer.preparing(now); }},
                                     *communicator);
    if (leads && !result.profile.empty()) printer.log(result.profile);
    if (report_files.wanted()) report_files.write(config);
    if (result.interrupted) {
      if (leads)
        printer.log(result.steps == 0 ? "stopped by a signal before the first step"
                                      : "stopped by a signal at step " + std::to_string(result.steps) +
                                            " and saved; go on with --resume " + result.run_directory);
      const int caught = SignalGuard::caught();
      return 128 + (caught != 0 ? caught : SIGTERM);  // 0: another rank was told
    }
    if (leads && !config.eval.only)
      printer.log("done: " + std::to_string(result.steps) + " steps, at most " +
                  mebibytes(result.step_memory_bytes) + " for one, " + percent(result.data_wait_share) +
                  " of the time waiting for images; the run is in " + result.run_directory);
    if (leads && !result.genotype.empty())
      printer.log("found " + result.genotype + "\ntrain it: rlnas_train --space " + config.network.space +
                  " --arch \"$(cat " + result.run_directory + "/genotype.txt)\" --data " + config.data.spec +
                  " --out DIR");
    return 0;
  };
  return run_app(
      {"rlnas_train",
       "Trains a weight-sharing SuperNet on images with random labels, or one architecture by itself.",
       version()},
      argc, argv, {out, err}, declare, run);
}

}  // namespace rlnas
