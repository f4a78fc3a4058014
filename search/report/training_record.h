// What a training run left in events.jsonl, as columns to plot.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rlnas {

struct TrainingRecord {
  // Values of one kind of event, in the order of the steps; NaN: the event has none.
  struct Steps {
    std::vector<double> step, loss, learning_rate;
  };
  struct Epochs {
    std::vector<double> epoch, step, loss, accuracy, learning_rate, images_per_s;  // epoch: from 1
    std::vector<double> angle_mean_rad, angle_min_rad, angle_max_rad;
  };
  struct Tests {
    std::vector<double> step, top1, top5, loss;  // shares 0..1
  };

  std::string label;  // of the run
  Steps steps;
  Epochs epochs;
  Tests tests;
  std::vector<std::pair<std::string, std::string>> settings;  // for people; of run.json

  bool empty() const { return steps.step.empty() && epochs.step.empty() && tests.step.empty(); }
  bool has_angles() const;
  // Of an epoch; 0: not known, because none ended.
  double steps_per_epoch() const;
};

// From the text of an events.jsonl. A last line that is half written, as a killed run leaves it, and events
// of other kinds are left out. Errors: data, naming the path and the line, for another line that is no event.
TrainingRecord parse_training_events(const std::string& path, std::string_view text);

// From a run directory; an empty record where it has no events.jsonl. Errors: as above; data for a run.json
// that cannot be read.
TrainingRecord read_training_record(const std::string& directory);

// One line an event: run, event (step, epoch, test), step, and the columns above by their names in
// events.jsonl, empty where an event has none.
std::string training_csv(const std::vector<TrainingRecord>& records);

}  // namespace rlnas
