#include "search/report/training_figures.h"

#include <algorithm>

#include "search/report/markup.h"
#include "search/report/statistics.h"

namespace rlnas {
namespace {

constexpr int kCurvePoints = 600;  // of a curve by the step, at most

// Epochs where every run with events knows their length, else steps.
class TimeAxis {
 public:
  explicit TimeAxis(const std::vector<TrainingRecord>& runs) {
    for (const TrainingRecord& run : runs)
      if (!run.empty() && run.steps_per_epoch() <= 0.0) by_epoch_ = false;
  }
  std::string label() const { return by_epoch_ ? "epochs done" : "steps done"; }
  std::vector<double> of(const TrainingRecord& run, std::vector<double> steps) const {
    if (by_epoch_)
      for (double& step : steps) step /= run.steps_per_epoch();
    return steps;
  }

 private:
  bool by_epoch_ = true;
};

// "run: what" where there are several runs.
std::string name_of(const std::vector<TrainingRecord>& runs, const TrainingRecord& run,
                    const std::string& what) {
  return runs.size() == 1 ? what : what.empty() ? run.label : run.label + ": " + what;
}

// "n = 96 logged steps and 3 epochs (run a), ..."
std::string counts_of(const std::vector<TrainingRecord>& runs, auto&& describe) {
  std::string text;
  for (const TrainingRecord& run : runs) {
    const std::string count = describe(run);
    if (count.empty()) continue;
    text += (text.empty() ? "n = " : "; ") + count + (runs.size() > 1 ? " (" + run.label + ")" : "");
  }
  return text + ".";
}

Figure loss_figure(const std::vector<TrainingRecord>& runs, const TimeAxis& time) {
  Plot plot{.title = "Training loss", .x = {.label = time.label()}, .y = {.label = "cross-entropy (nats)"}};
  int style = 0, stride = 1;
  for (const TrainingRecord& run : runs) {
    const ThinCurve curve = thin_curve(run.steps.step, run.steps.loss, kCurvePoints);
    stride = std::max(stride, curve.stride);
    // With several runs the epochs' means alone keep them apart.
    if (runs.size() == 1 || run.epochs.step.empty())
      plot.series.push_back({.name = name_of(runs, run, "logged steps"),
                             .style = style,
                             .mark = runs.size() == 1 ? Mark::faint : Mark::line,
                             .x = time.of(run, curve.x),
                             .y = curve.y});
    if (!run.epochs.step.empty())
      plot.series.push_back({.name = name_of(runs, run, runs.size() == 1 ? "mean of the epoch" : ""),
                             .style = style,
                             .mark = Mark::line,
                             .x = time.of(run, run.epochs.step),
                             .y = run.epochs.loss});
    ++style;
  }
  std::string caption = counts_of(runs, [](const TrainingRecord& run) {
    return run.empty() ? ""
                       : count_text(std::int64_t(run.steps.step.size()), "logged step") + " and " +
                             count_text(std::int64_t(run.epochs.step.size()), "epoch");
  });
  caption += " On the labels trained on.";
  if (stride > 1) caption += " A point is the mean of up to " + count_text(stride, "logged step") + ".";
  return figure_of("training-loss", std::move(plot), caption);
}

Figure rate_figure(const std::vector<TrainingRecord>& runs, const TimeAxis& time) {
  Plot plot{
      .title = "Learning rate", .x = {.label = time.label()}, .y = {.label = "learning rate (no unit)"}};
  int style = 0;
  for (const TrainingRecord& run : runs) {
    const bool by_step = !run.steps.step.empty();
    const ThinCurve curve = by_step ? thin_curve(run.steps.step, run.steps.learning_rate, kCurvePoints)
                                    : thin_curve(run.epochs.step, run.epochs.learning_rate, kCurvePoints);
    plot.series.push_back({.name = name_of(runs, run, ""),
                           .style = style++,
                           .mark = Mark::line,
                           .x = time.of(run, curve.x),
                           .y = curve.y});
  }
  return figure_of("learning-rate", std::move(plot), counts_of(runs, [](const TrainingRecord& run) {
                     return run.empty() ? "" : count_text(std::int64_t(run.steps.step.size()), "logged step");
                   }));
}

Figure angle_figure(const std::vector<TrainingRecord>& runs) {
  Plot plot{.title = "Angle between weights before and after training",
            .x = {.label = "epochs done"},
            .y = {.label = "angle (rad)"}};
  int style = 0;
  for (const TrainingRecord& run : runs) {
    const TrainingRecord::Epochs& e = run.epochs;
    if (run.has_angles()) {
      plot.series.push_back({.name = runs.size() == 1 ? "least to greatest" : "",
                             .style = style,
                             .mark = Mark::band,
                             .x = e.epoch,
                             .y = e.angle_min_rad,
                             .y_high = e.angle_max_rad});
      plot.series.push_back({.name = name_of(runs, run, runs.size() == 1 ? "mean" : ""),
                             .style = style,
                             .mark = Mark::line,
                             .x = e.epoch,
                             .y = e.angle_mean_rad});
      plot.series.push_back({.name = "",
                             .style = style,
                             .mark = Mark::symbols,
                             .x = e.epoch.size() <= 40 ? e.epoch : std::vector<double>{},
                             .y = e.epoch.size() <= 40 ? e.angle_mean_rad : std::vector<double>{}});
    }
    ++style;
  }
  return figure_of("training-angle", std::move(plot),
                   counts_of(runs,
                             [](const TrainingRecord& run) {
                               return run.has_angles()
                                          ? count_text(std::int64_t(run.epochs.epoch.size()), "epoch")
                                          : std::string();
                             }) +
                       " Mean over a fixed sample of 1,000 architectures; the band is from the least to the "
                       "greatest of them.");
}

Figure accuracy_figure(const std::vector<TrainingRecord>& runs, const TimeAxis& time) {
  Plot plot{.title = "Accuracy", .x = {.label = time.label()}, .y = {.label = "accuracy (%)"}};
  const auto percent = [](std::vector<double> shares) {
    for (double& share : shares) share *= 100.0;
    return shares;
  };
  int style = 0;
  for (const TrainingRecord& run : runs) {
    if (!run.epochs.step.empty())
      plot.series.push_back({.name = name_of(runs, run, "training, mean of the epoch"),
                             .style = style,
                             .mark = Mark::line,
                             .x = time.of(run, run.epochs.step),
                             .y = percent(run.epochs.accuracy)});
    if (!run.tests.step.empty())
      plot.series.push_back({.name = name_of(runs, run, "test"),
                             .style = runs.size() == 1 ? 1 : style,
                             .mark = Mark::symbols,
                             .x = time.of(run, run.tests.step),
                             .y = percent(run.tests.top1)});
    ++style;
  }
  return figure_of("training-accuracy", std::move(plot),
                   counts_of(runs, [](const TrainingRecord& run) {
                     if (run.empty()) return std::string();
                     const std::string epochs = count_text(std::int64_t(run.epochs.step.size()), "epoch");
                     return run.tests.step.empty()
                                ? epochs
                                : epochs + ", " + count_text(std::int64_t(run.tests.step.size()), "test");
                   }) + " Training accuracy is on the labels trained on.");
}

}  // namespace

std::vector<Figure> training_figures(const std::vector<TrainingRecord>& runs) {
  if (std::ranges::all_of(runs, &TrainingRecord::empty)) return {};
  const TimeAxis time(runs);
  std::vector<Figure> figures{loss_figure(runs, time), rate_figure(runs, time)};
  if (std::ranges::any_of(runs, &TrainingRecord::has_angles)) figures.push_back(angle_figure(runs));
  if (std::ranges::any_of(runs, [](const TrainingRecord& run) {
        return !run.epochs.step.empty() || !run.tests.step.empty();
      }))
    figures.push_back(accuracy_figure(runs, time));
  return figures;
}

}  // namespace rlnas
