#include "search/run_log.h"

namespace rlnas {

void RunLog::line(const std::string& text) const {
  if (speaks_ && callbacks_.log) callbacks_.log(text);
}

void RunLog::progress(const TrainProgress& now) const {
  if (speaks_ && callbacks_.progress) callbacks_.progress(now);
}

void RunLog::open_events(const std::string& path, const std::string& tensorboard, std::int64_t step) {
  if (!speaks_) return;
  events_ = std::make_unique<EventLog>(path, step);
  if (!tensorboard.empty()) tensorboard_ = std::make_unique<TensorboardLog>(tensorboard, step);
}

void RunLog::write(const char* event, std::int64_t step, const EventLog::Fields& fields,
                   const EventLog::Texts& texts) {
  if (events_) events_->write(event, step, pace_.seconds(), fields, texts);
}

void RunLog::show(std::int64_t step, const TensorboardLog::Scalars& scalars) {
  if (tensorboard_) tensorboard_->write(step, scalars);
}

void RunLog::step_event(const TrainProgress& now, double step_loss) {
  write("step", now.step,
        {{"epoch", double(now.epoch)},
         {"loss", step_loss},
         {"epoch_loss", now.loss},
         {"accuracy", now.accuracy},
         {"learning_rate", now.learning_rate},
         {"images_per_s", now.images_per_s}});
  show(now.step, {{"loss", step_loss},
                  {"learning_rate", now.learning_rate},
                  {"accuracy", now.accuracy},
                  {"images_per_s", now.images_per_s}});
}

void RunLog::epoch_event(const TrainProgress& now) {
  EventLog::Fields fields = {{"epoch", double(now.epoch)},
                             {"loss", now.loss},
                             {"accuracy", now.accuracy},
                             {"learning_rate", now.learning_rate},
                             {"images_per_s", now.images_per_s}};
  if (now.has_angles) {
    fields.insert(fields.end(), {{"angle_mean_rad", now.angle_mean_rad},
                                 {"angle_min_rad", now.angle_min_rad},
                                 {"angle_max_rad", now.angle_max_rad}});
    show(now.step, {{"angle_rad/mean", now.angle_mean_rad},
                    {"angle_rad/min", now.angle_min_rad},
                    {"angle_rad/max", now.angle_max_rad}});
  }
  EventLog::Texts texts;
  if (now.mixture) {
    EventLog::Fields of_search = {{"alpha_entropy", now.mixture->entropy}};
    if (now.mixture->moves)
      of_search.insert(of_search.end(), {{"held_out_loss", now.mixture->held_out_loss},
                                         {"held_out_accuracy", now.mixture->held_out_accuracy}});
    show(now.step, of_search);
    fields.insert(fields.end(), of_search.begin(), of_search.end());
    texts.push_back({"genotype", now.mixture->genotype});
  }
  write("epoch", now.step, fields, texts);
}

void RunLog::test_event(const TrainResult& result, const RunProgress& progress) {
  write("test", progress.step,
        {{"top1", result.top1},
         {"top5", result.top5},
         {"loss", result.test_loss},
         {"best_top1", progress.best_top1},
         {"best_step", double(progress.best_step)}});
  show(progress.step,
       {{"test/top1", result.top1}, {"test/top5", result.top5}, {"test/loss", result.test_loss}});
}

}  // namespace rlnas
