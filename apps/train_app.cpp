#include "apps/train_app.h"

#include <unistd.h>

#include <functional>
#include <iostream>
#include <memory>
#include <type_traits>
#include <vector>

#include "apps/cli.h"
#include "apps/comm_options.h"
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

void print_plan(const TrainPlan& plan, std::ostream& out) {
  out << "device             " << plan.device << "\n"
      << "images             " << plan.images << " in " << plan.classes << " classes\n"
      << "parameters         " << plan.parameters << "\n"
      << "steps              " << plan.steps << " (" << plan.steps_per_epoch << " an epoch)\n"
      << "memory, step       " << mebibytes(plan.step_memory_bytes) << " (largest path)\n"
      << "memory, weights    " << mebibytes(plan.fixed_memory_bytes) << "\n"
      << "memory, images     " << mebibytes(plan.data_memory_bytes) << "\n"
      << "compute            " << plan.train_gflop_per_step << " GFLOP a step (largest path)\n"
      << "forward pass of the largest path, [N,H,W,C]:\n";
  for (const std::string& line : plan.network) out << "  " << line << "\n";
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

}  // namespace

int train_main(int argc, const char* const* argv, std::ostream& out, std::ostream& err) {
  TrainConfig config;
  CommOptions comm;
  bool dry_run = false, check_only = false;
  ReportRequest report;
  std::vector<std::function<void()>> parse_words;  // after --help and --dump-config, which take any
  const auto declare = [&](CLI::App& app) {
    const std::string space = peek_option(argc, argv, "space"), arch = peek_option(argc, argv, "arch");
    if (!space.empty()) config.network.space = space;
    config = arch.empty() ? default_train_config(config.network.space)
                          : default_retrain_config(config.network.space);
    visit_train_fields(config, [&](const char* name, auto& value, const char* help, OnResume) {
      const std::string flag = std::string("--") + name;
      using Field = std::remove_reference_t<decltype(value)>;
      if constexpr (std::is_enum_v<Field>) {
        const auto word = std::make_shared<std::string>(word_of(value));
        app.add_option(flag, *word, help)->capture_default_str()->take_last();
        parse_words.push_back([flag, word, &value] { value = parse_word<Field>(flag, *word); });
      } else if constexpr (std::is_same_v<Field, bool>) {  // a bare "--profile" is "--profile true"
        app.add_flag(flag, value, help)
            ->type_name("BOOLEAN")
            ->type_size(1)
            ->expected(0, 1)
            ->default_str(value ? "1" : "0")
            ->take_last();
      } else {
        app.add_option(flag, value, help)->capture_default_str()->take_last();
      }
    });
    declare_comm_options(app, comm);
    app.add_option("--report", report.directory,
                   "Write report.html and the data of its figures into this directory, at the end")
        ->type_name("DIR");
    app.add_option("--report-runs", report.runs, "Run directories to show beside this one")->type_name("DIR");
    app.add_flag("--dry-run", dry_run, "Print the plan (network, memory, steps) and exit");
    app.add_flag("--check-data", check_only, "Read all images once, report, and exit");
  };
  const auto run = [&]() -> int {
    for (const auto& parse : parse_words) parse();
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
    if (dry_run) {
      print_plan(plan_training(config), out);
      return 0;
    }
    const bool terminal = &out == &std::cout && isatty(STDOUT_FILENO) != 0;
    ProgressPrinter printer(out, terminal ? Display::terminal : Display::plain);
    const std::unique_ptr<Communicator> communicator = join_ranks(comm);
    const bool leads = communicator->rank() == 0;
    const bool goes_on = !config.run.resume.empty() && config.run.resume != "auto";
    const ReportFiles report_files(leads ? report : ReportRequest{},
                                   goes_on ? config.run.resume : config.run.out);
    const SignalGuard guard;
    const TrainResult result = train(config,
                                     {.log = [&](const std::string& line) { printer.log(line); },
                                      .progress = [&](const TrainProgress& p) { printer.progress(p); },
                                      .should_stop = [] { return SignalGuard::caught() != 0; }},
                                     *communicator);
    if (leads && !result.profile.empty()) printer.log(result.profile);
    if (report_files.wanted()) report_files.write(config);
    if (result.interrupted) {
      if (leads)
        printer.log("stopped by a signal at step " + std::to_string(result.steps) +
                    " and saved; go on with --resume " + result.run_directory);
      const int caught = SignalGuard::caught();
      return 128 + (caught != 0 ? caught : SIGTERM);  // 0: another rank was told
    }
    if (leads && !config.eval.only)
      printer.log("done: " + std::to_string(result.steps) + " steps, at most " +
                  mebibytes(result.step_memory_bytes) + " for one, " + percent(result.data_wait_share) +
                  " of the time waiting for images; the run is in " + result.run_directory);
    return 0;
  };
  return run_app(
      {"rlnas_train",
       "Trains a weight-sharing SuperNet on images with random labels, or one architecture by itself.",
       version()},
      argc, argv, {out, err}, declare, run);
}

}  // namespace rlnas
