// train(): the training loop (method.md appendix B.1).
#include "search/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>
#include <optional>

#include "data/prefetcher.h"
#include "engine/atomic_file.h"
#include "engine/device.h"
#include "engine/event_log.h"
#include "engine/file_lock.h"
#include "engine/profile_report.h"
#include "engine/schedule.h"
#include "engine/step_profiler.h"
#include "kernels/check.h"
#include "search/checkpoint.h"
#include "search/evaluation.h"
#include "search/rank_agreement.h"
#include "search/run_directory.h"
#include "search/train_settings.h"
#include "search/trained_network.h"
#include "search/training_data.h"
#include "search/training_plan.h"

namespace rlnas {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

class Trainer {
 public:
  Trainer(const TrainConfig& config, const TrainCallbacks& callbacks, Communicator& communicator)
      : config_(config), callbacks_(callbacks), communicator_(communicator), directory_(config.out) {}

  TrainResult run();

 private:
  bool leads() const { return communicator_.rank() == 0; }
  void log(const std::string& line) const {
    if (leads() && callbacks_.log) callbacks_.log(line);
  }
  void report(const TrainProgress& progress) const {
    if (leads() && callbacks_.progress) callbacks_.progress(progress);
  }
  void open_directory();
  void lock_directory();
  struct Decision {
    bool stops, saves;
  };
  Decision decide() const;
  void start(TrainingState& state, TrainedNetwork& space, const RunFacts& facts);
  void after_step(const LossSums& sums, int count, double learning_rate);
  void end_epoch(TrainingState& state, const TrainedNetwork& space);
  bool evaluates_now() const;  // by the steps done
  void evaluate(TrainingState& state, TrainedNetwork& space, const AugmentSpec& augment, TrainResult& result);
  TrainProgress progress_now() const;
  std::string what_is_left() const;                  // of a run that came to numbers which are not finite
  void save(TrainingState& state, SaveScope scope);  // called by all ranks; rank 0 writes

  TrainConfig config_;
  const TrainCallbacks& callbacks_;
  Communicator& communicator_;
  RunDirectory directory_;
  std::unique_ptr<FileLock> lock_;  // rank 0's
  TrainingData data_;
  std::unique_ptr<TrainingBatches> batches_;
  RunProgress progress_;
  std::unique_ptr<EventLog> events_;      // rank 0's
  std::unique_ptr<Evaluator> evaluator_;  // with --eval
  int steps_per_epoch_ = 0;
  std::int64_t total_steps_ = 0, saved_step_ = 0;  // saved: 0 when there is no checkpoint

  double learning_rate_ = 0.0;
  Clock::time_point run_start_, window_start_, last_save_;
  std::int64_t window_images_ = 0, run_images_ = 0;
  double images_per_s_ = 0.0, data_wait_s_ = 0.0;
  TrainProgress last_epoch_;
};

void Trainer::start(TrainingState& state, TrainedNetwork& space, const RunFacts& facts) {
  const bool resuming = !config_.resume.empty() && directory_.holds_run();
  if (!leads()) {
    // rank 0 hands over all of it
  } else if (resuming) {
    const std::int64_t steps = std::int64_t{steps_per_epoch_} * config_.epochs;
    progress_ = directory_.load(config_, {steps, facts.images, data_.fingerprint}, state.parameters(),
                                state.statistics());
    load_tensors(read_safetensors(directory_.init_file()), directory_.init_file(), state.initial_weights(),
                 "");
    log("resumed from " + directory_.path() + " at step " + std::to_string(progress_.step));
  } else {
    const std::vector<float> initial = space.layout().initial_parameters(config_.seed);
    state.parameters().weights().upload(initial);
    state.initial_weights().upload(initial);
    state.statistics().upload(space.layout().initial_statistics());
    directory_.write_run_json(config_, facts);
    TensorFile init = model_tensors(state.parameters().weights(), state.statistics());
    init.metadata = {{"space", config_.space}, {"step", "0"}};
    write_safetensors(directory_.init_file(), init);
  }
  share_state(state, progress_, communicator_);
  saved_step_ = progress_.step;
  if (leads() && !config_.eval_only)
    events_ = std::make_unique<EventLog>(directory_.events_file(), progress_.step);
}

// What all ranks do after a step: they stop when one of them is told to, and save when rank 0's clock says
// so.
Trainer::Decision Trainer::decide() const {
  constexpr char kStop = 1, kSave = 2;
  const double save_every_s = 60.0 * config_.save_every_minutes;
  char own = callbacks_.should_stop && callbacks_.should_stop() ? kStop : 0;
  if (save_every_s > 0.0 && seconds_since(last_save_) >= save_every_s) own = char(own | kSave);
  const std::vector<char> all = communicator_.gather_values(own, "decision to go on");
  return {.stops = std::any_of(all.begin(), all.end(), [](char one) { return (one & kStop) != 0; }),
          .saves = (all.front() & kSave) != 0};
}

std::string Trainer::what_is_left() const {
  if (saved_step_ == 0) return "no checkpoint was written before; try a lower --learning-rate";
  return "the last good checkpoint, of step " + std::to_string(saved_step_) + ", is in " + config_.out +
         "; try a lower --learning-rate";
}

void Trainer::save(TrainingState& state, SaveScope scope) {
  check_same_weights(state, communicator_);
  // A step whose loss was finite may have ended in weights that are not.
  Parameters& parameters = state.parameters();
  RLNAS_CHECK(all_finite(parameters.weights().download()) && all_finite(parameters.momentum().download()),
              run_failed, "the weights are not finite after step ", progress_.step, "; ", what_is_left());
  if (leads()) directory_.save(scope, config_, progress_, data_.fingerprint, parameters, state.statistics());
  saved_step_ = progress_.step;
  last_save_ = Clock::now();
}

TrainProgress Trainer::progress_now() const {
  TrainProgress now;
  now.epoch = int((progress_.step - 1) / steps_per_epoch_);
  now.epochs = config_.epochs;
  now.step = progress_.step;
  now.steps = total_steps_;
  if (progress_.epoch_images > 0) {
    now.loss = progress_.epoch_loss_sum / double(progress_.epoch_images);
    now.accuracy = double(progress_.epoch_correct) / double(progress_.epoch_images);
  }
  now.learning_rate = learning_rate_;
  const double run_rate = double(run_images_) / std::max(1e-9, seconds_since(run_start_));
  now.images_per_s = images_per_s_ > 0.0 ? images_per_s_ : run_rate;  // of the last window, once there is one
  now.eta_s = double(total_steps_ - progress_.step) * config_.batch_size / std::max(1e-9, run_rate);
  return now;
}

void Trainer::after_step(const LossSums& sums, int count, double learning_rate) {
  learning_rate_ = learning_rate;
  ++progress_.step;
  RLNAS_CHECK(std::isfinite(sums.loss), run_failed, "the loss is not finite at step ", progress_.step,
              " (epoch ", (progress_.step - 1) / steps_per_epoch_, "); ", what_is_left());
  progress_.epoch_loss_sum += sums.loss;
  progress_.epoch_correct += sums.correct;
  progress_.epoch_images += count;
  window_images_ += count;
  run_images_ += count;

  const bool logged = progress_.step % config_.log_every == 0 || progress_.step == total_steps_;
  if (logged) {
    images_per_s_ = double(window_images_) / std::max(1e-9, seconds_since(window_start_));
    window_images_ = 0;
    window_start_ = Clock::now();
    const TrainProgress now = progress_now();
    if (leads())
      events_->write("step", now.step, seconds_since(run_start_),
                     {{"epoch", double(now.epoch)},
                      {"loss", sums.loss / count},
                      {"epoch_loss", now.loss},
                      {"accuracy", now.accuracy},
                      {"learning_rate", now.learning_rate},
                      {"images_per_s", now.images_per_s}});
  }
  TrainProgress now = progress_now();
  now.logged = logged;
  report(now);
}

void Trainer::end_epoch(TrainingState& state, const TrainedNetwork& space) {
  TrainProgress now = progress_now();
  now.epoch_end = true;
  last_epoch_ = now;
  progress_.epoch_loss_sum = 0.0;
  progress_.epoch_correct = progress_.epoch_images = 0;
  for (const std::string& bad : batches_->new_bad_files())
    log("bad image file, another one took its place: " + bad);
  if (!leads()) return save(state, SaveScope::state_and_model);

  now.images_per_s = double(run_images_) / std::max(1e-9, seconds_since(run_start_));
  EventLog::Fields fields = {{"epoch", double(now.epoch)},
                             {"loss", now.loss},
                             {"accuracy", now.accuracy},
                             {"learning_rate", now.learning_rate},
                             {"images_per_s", now.images_per_s}};
  now.has_angles = space.ranks_architectures();
  if (now.has_angles) {
    const AngleSummary angles = space.angle_summary(state.angle_sums());
    now.angle_mean_rad = angles.mean_rad;
    now.angle_min_rad = angles.min_rad;
    now.angle_max_rad = angles.max_rad;
    fields.insert(fields.end(), {{"angle_mean_rad", angles.mean_rad},
                                 {"angle_min_rad", angles.min_rad},
                                 {"angle_max_rad", angles.max_rad}});
  }
  events_->write("epoch", now.step, seconds_since(run_start_), fields);
  save(state, SaveScope::state_and_model);
  const int done = now.epoch + 1;
  if (config_.checkpoint_every > 0 && done % config_.checkpoint_every == 0) directory_.keep_epoch(done);
  report(now);
}

bool Trainer::evaluates_now() const {
  if (!evaluator_) return false;
  if (progress_.step == total_steps_) return true;
  const std::int64_t epochs = progress_.step / steps_per_epoch_;
  return progress_.step % steps_per_epoch_ == 0 && config_.eval_every > 0 && epochs % config_.eval_every == 0;
}

void Trainer::evaluate(TrainingState& state, TrainedNetwork& space, const AugmentSpec& augment,
                       TrainResult& result) {
  const TestCounts counts = evaluator_->run(state, space, augment, communicator_);
  result.evaluated = true;
  result.top1 = counts.share(double(counts.top1));
  result.top5 = counts.share(double(counts.top5));
  result.test_loss = counts.share(counts.loss);
  if (result.top1 > progress_.best_top1) {
    progress_.best_top1 = result.top1;
    progress_.best_step = progress_.step;
  }
  result.best_top1 = progress_.best_top1;
  log(test_line(counts, progress_));
  if (leads() && !config_.eval_only)
    events_->write("test", progress_.step, seconds_since(run_start_),
                   {{"top1", result.top1},
                    {"top5", result.top5},
                    {"loss", result.test_loss},
                    {"best_top1", progress_.best_top1},
                    {"best_step", double(progress_.best_step)}});
}

void Trainer::open_directory() {
  if (!config_.resume.empty() && config_.resume != "auto") {
    RLNAS_CHECK(config_.out.empty() || config_.out == config_.resume, usage,
                "--out: a run is resumed in its own "
                "directory; drop --out or make it the same as --resume");
    config_.out = config_.resume;
    directory_ = RunDirectory(config_.out);
    RLNAS_CHECK(!leads() || directory_.holds_run(), data, "--resume ", config_.resume,
                ": holds no run to go on with");
  }
  RLNAS_CHECK(!config_.eval_only || !leads() || directory_.holds_run(), data, "--eval-only: ", config_.out,
              " holds no run to evaluate");
  RLNAS_CHECK(!config_.out.empty(), usage, "--out: say where to write the run, for example --out runs/a");
  // One that is there is locked before anything is read, another when it is made.
  if (leads() && directory_.exists()) lock_directory();
}

void Trainer::lock_directory() {
  if (config_.eval_only) return;  // reads only, also what another process goes on with
  lock_ = directory_.lock();
  if (!lock_->obstacle().empty())
    log("--out " + config_.out + ": cannot be locked (" + lock_->obstacle() +
        "); see to it that no other process trains into it");
  RLNAS_CHECK(!config_.resume.empty() || !directory_.holds_run(), usage, "--out ", config_.out,
              ": already holds a run; go on with it by --resume auto, or choose another directory");
}

TrainResult Trainer::run() {
  check_config(config_);
  open_directory();
  const RankPlace& place = communicator_.place();
  DeviceOptions options = device_options(config_);
  if (options.cpu.threads == 0) options.cpu.threads = threads_of_rank(place);
  options.cuda.device = place.local_rank;
  const DeviceChoice device = choose_device(config_.device, options);
  log("device: " + device.backend->description() + " (" + device.reason + ")");
  data_ = load_training_data(config_);
  check_same_run(config_, data_.fingerprint.contents, device, communicator_);
  for (const std::string& skipped : data_.skipped()) log("skipped " + skipped);
  batches_ = std::make_unique<TrainingBatches>(config_, data_, place);
  steps_per_epoch_ = batches_->source().steps_per_epoch();
  total_steps_ = std::int64_t{steps_per_epoch_} * config_.epochs;
  if (config_.steps > 0) total_steps_ = std::min(total_steps_, config_.steps);
  const std::unique_ptr<TrainedNetwork> space = make_trained_network(
      config_, {.classes = data_.classes, .steps_per_epoch = steps_per_epoch_, .rank = place.rank});
  if (!config_.eval.empty()) evaluator_ = std::make_unique<Evaluator>(config_, data_, place);

  StepSpec spec = step_spec(config_, data_.format);
  const ScheduleSpec schedule = schedule_spec(config_, data_.indices.size());
  const int batch_size = std::min<int>(config_.batch_size, int(data_.indices.size()));
  const int largest_share = (batch_size + place.size - 1) / place.size;
  const DryRun plan = dry_run(*space, *device.backend, largest_share, spec);
  if (leads() && !lock_) lock_directory();
  std::optional<StepProfiler> profiler;
  if (config_.profile) profiler.emplace(*device.backend, measure_profile_limits(device.threads));
  Backend& backend = profiler ? profiler->backend() : *device.backend;
  TrainingState state(backend, space->layout(), plan.step_bytes);
  const std::unique_ptr<GradientExchange> exchange = communicator_.make_gradient_exchange(backend);
  state.set_exchange(exchange.get());
  state.parameters().set_decayed(decayed_segments(config_, space->layout().parameters()));
  if (exchange)
    log(std::to_string(place.size) + " ranks (this is " + communicator_.description() + "), gradients " +
        exchange->description());
  start(state, *space,
        {.device = device.backend->description(),
         .images = std::int64_t(data_.indices.size()),
         .classes = data_.classes,
         .data_checksum = data_.fingerprint.contents,
         .skipped_files = std::int64_t(data_.skipped().size()),
         .parameters = parameters_without_auxiliary(space->layout().parameters()),
         .planned_memory_bytes = plan.step_bytes + plan.fixed_bytes,
         .steps_per_epoch = steps_per_epoch_});
  log(std::to_string(data_.indices.size()) + " images, " + std::to_string(data_.classes) + " classes of " +
      config_.labels + " labels, " + std::to_string(steps_per_epoch_) + " steps an epoch");

  TrainResult result;
  result.run_directory = config_.out;
  run_start_ = window_start_ = last_save_ = Clock::now();
  struct QueuedStep {
    int images;
    double learning_rate;
  };
  std::deque<QueuedStep> queued;
  const auto finish_step = [&] {
    after_step(sum_over_ranks(state.take_loss(), communicator_), queued.front().images,
               queued.front().learning_rate);
    queued.pop_front();
  };
  if (config_.eval_only) evaluate(state, *space, spec.augment, result);
  if (progress_.step < total_steps_ && !config_.eval_only) {
    Prefetcher batches(batches_->source(), int(progress_.step / steps_per_epoch_),
                       int(progress_.step % steps_per_epoch_));
    while (progress_.step < total_steps_ && !result.interrupted) {
      const std::int64_t step = progress_.step + std::int64_t(queued.size());
      communicator_.begin_step(step + 1);
      const double rate = learning_rate(schedule, step);
      spec.sgd.learning_rate = float(rate);
      if (profiler) profiler->begin_step();
      const Clock::time_point asked = Clock::now();
      const HostBatch& batch = batches.next();
      data_wait_s_ += seconds_since(asked);
      if (profiler) profiler->data_ready();
      state.queue_step(
          [&](Context& context, const Tensor& images) { return space->forward(context, images, step); },
          batch, spec);
      queued.push_back({batch.global_count, rate});
      // A device that is still busy with the step gets the next one before its loss is read.
      if (!state.queues() || queued.size() == TrainingState::kQueuedSteps) finish_step();
      if (profiler) profiler->end_step(step + 1);
      const bool epoch_ends = (step + 1) % steps_per_epoch_ == 0, run_ends = step + 1 == total_steps_;
      const Decision next = decide();
      result.interrupted = next.stops && !run_ends;
      if (!epoch_ends && !run_ends && !result.interrupted && !next.saves) continue;
      while (!queued.empty()) finish_step();
      if (evaluates_now()) evaluate(state, *space, spec.augment, result);
      if (epoch_ends)
        end_epoch(state, *space);
      else
        save(state, run_ends || result.interrupted ? SaveScope::state_and_model : SaveScope::state);
    }
  }
  communicator_.barrier("end of the run");  // nobody leaves before rank 0 has saved
  result.step_memory_bytes = state.arena().peak_bytes();
  result.steps = progress_.step;
  result.loss = last_epoch_.epoch_end ? last_epoch_.loss : progress_now().loss;
  const double run_s = std::max(1e-9, seconds_since(run_start_));
  result.images_per_s = double(run_images_) / run_s;
  result.data_wait_share = data_wait_s_ / run_s;
  if (profiler) {
    result.profile = profile_report(profiler->profile());
    if (leads()) write_file_atomically(directory_.trace_file(), profiler->trace());
  }
  return result;
}

}  // namespace

TrainResult train(const TrainConfig& config, const TrainCallbacks& callbacks, Communicator& communicator) {
  return Trainer(config, callbacks, communicator).run();
}

TrainResult train(const TrainConfig& config, const TrainCallbacks& callbacks) {
  SingleProcess single;
  return train(config, callbacks, single);
}

}  // namespace rlnas
