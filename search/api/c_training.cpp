// rlnas.h: training.
#include "rlnas/train.hpp"
#include "search/api/c_support.h"
#include "search/train_fields.h"

using namespace rlnas::c;

struct rlnas_training {
  rlnas::TrainConfig config;
};

namespace {

rlnas::TrainCallbacks callbacks_of(const rlnas_callbacks& c) {
  rlnas::TrainCallbacks callbacks{
      .log = {}, .progress = {}, .should_stop = stop_of(c), .preparing = preparing_of(c)};
  if (c.log != nullptr) callbacks.log = [c](const std::string& line) { c.log(c.user, line.c_str()); };
  if (c.progress != nullptr)
    callbacks.progress = [c](const rlnas::TrainProgress& now) {
      rlnas_progress progress = RLNAS_INIT(rlnas_progress);
      progress.step = now.step;
      progress.steps = now.steps;
      progress.epoch = now.epoch;
      progress.loss = now.loss;
      progress.accuracy = now.accuracy;
      progress.images_per_s = now.images_per_s;
      c.progress(c.user, &progress);
    };
  return callbacks;
}

}  // namespace

rlnas_status rlnas_training_new(const char* space, rlnas_training** training) {
  return guarded([&] {
    required(training, "training");
    const std::string name = required_text(space, "space");
    *training = new rlnas_training{rlnas::default_train_config(rlnas::find_space(name).name())};
  });
}

void rlnas_training_free(rlnas_training* training) {
  delete training;
}

rlnas_status rlnas_training_set(rlnas_training* training, const char* name, const char* value) {
  return guarded([&] {
    const std::string wanted = required_text(name, "name"), text = required_text(value, "value");
    bool found = false;
    rlnas::visit_train_fields(required(training, "training").config,
                              [&](const rlnas::TrainField& field, auto& own) {
                                if (wanted != field.name) return;
                                read_value(wanted, text, own);
                                found = true;
                              });
    RLNAS_CHECK(found, usage, "training has no setting '", wanted, "': rlnas_train --help lists them");
  });
}

rlnas_status rlnas_training_images(rlnas_training* training, const std::uint8_t* pixels,
                                   const std::int32_t* labels, std::int64_t count, std::int32_t side,
                                   std::int32_t classes) {
  return guarded([&] {
    RLNAS_CHECK(count > 0, usage, "images in memory: ", count);
    rlnas::TrainConfig& config = required(training, "training").config;
    config.data.memory = {pixels, labels, count, side, side, classes};
    config.data.image_size = side;
  });
}

rlnas_status rlnas_training_run(rlnas_training* training, const rlnas_callbacks* callbacks,
                                rlnas_training_result* result) {
  return guarded([&] {
    const rlnas::TrainResult made =
        rlnas::train(required(training, "training").config, callbacks_of(taken(callbacks)));
    rlnas_training_result own = RLNAS_INIT(rlnas_training_result);
    own.steps = made.steps;
    own.interrupted = made.interrupted ? 1 : 0;
    own.loss = made.loss;
    own.images_per_s = made.images_per_s;
    own.top1 = made.evaluated ? made.top1 : -1.0;
    put(own, result);
  });
}
