#include "search/run_meter.h"

#include <algorithm>

namespace rlnas {

RunLength run_length(const TrainConfig& config, int steps_per_epoch) {
  RunLength length{steps_per_epoch, config.recipe.epochs, config.recipe.batch_size};
  length.steps = length.steps_of_all_epochs();
  if (config.run.steps > 0) length.steps = std::min(length.steps, config.run.steps);
  return length;
}

void RunMeter::count_step(const LossSums& sums, int images, double step_learning_rate) {
  learning_rate = step_learning_rate;
  ++progress.step;
  progress.epoch_loss_sum += sums.loss;
  progress.epoch_correct += sums.correct;
  progress.epoch_images += images;
  pace.add_images(images);
}

void RunMeter::begin_epoch() {
  progress.epoch_loss_sum = 0.0;
  progress.epoch_correct = progress.epoch_images = 0;
}

TrainProgress RunMeter::now() const {
  TrainProgress now;
  now.epoch = length.epoch_of(progress.step - 1);
  now.epochs = length.epochs;
  now.step = progress.step;
  now.steps = length.steps;
  if (progress.epoch_images > 0) {
    now.loss = progress.epoch_loss_sum / double(progress.epoch_images);
    now.accuracy = double(progress.epoch_correct) / double(progress.epoch_images);
  }
  now.learning_rate = learning_rate;
  now.images_per_s = pace.images_per_s();
  const double images_left = double(length.steps - progress.step) * length.batch_size;
  now.eta_s = images_left / std::max(1e-9, pace.run_images_per_s());
  return now;
}

}  // namespace rlnas
