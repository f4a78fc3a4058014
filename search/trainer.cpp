// train(): the phases of a run, and the training loop (method.md appendix B.1).
#include "search/trainer.h"
#include "search/preparation.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <filesystem>
#include <optional>
#include <sstream>
#include <utility>

#include "data/prefetcher.h"
#include "engine/atomic_file.h"
#include "engine/file_lock.h"
#include "engine/interruption.h"
#include "engine/profile_report.h"
#include "engine/schedule.h"
#include "engine/step_profiler.h"
#include "kernels/words.h"
#include "search/checkpoint.h"
#include "search/evaluation.h"
#include "search/mixture_search.h"
#include "search/rank_agreement.h"
#include "search/run_directory.h"
#include "search/run_log.h"
#include "search/run_meter.h"
#include "search/run_setup.h"
#include "search/spaces.h"
#include "search/train_settings.h"

namespace rlnas {
namespace {

using Clock = RunPace::Clock;

class Trainer {
 public:
  Trainer(const TrainConfig& config, const TrainCallbacks& callbacks, Communicator& communicator)
      : config_(config),
        should_stop_(callbacks.should_stop),
        preparing_(callbacks.preparing),
        communicator_(communicator),
        log_(callbacks, communicator.place(), meter_.pace),
        directory_(config.run.out) {}

  TrainResult run();

 private:
  const std::function<bool()>& stops_alone() const;
  bool leads() const { return communicator_.rank() == 0; }

  void open_directory();
  void lock_directory();
  void set_up();
  void take_memory();
  void start_or_resume();
  void start();  // both on rank 0
  void resume();

  void train_steps();
  const HostBatch& next_batch(Prefetcher& batches);
  void queue_step(const HostBatch& batch, std::int64_t step);
  void after_step();  // of the oldest that is queued
  struct Decision {
    bool stops, saves;
  };
  Decision decide() const;
  void end_epoch();
  bool keeps_epoch() const;  // the one that has just ended, by --checkpoint-every
  void complete_save();
  bool evaluates_now() const;  // by the steps done
  void evaluate();
  void save(SaveScope scope);  // called by all ranks; rank 0 writes
  TrainResult finish();
  std::string what_is_left() const;  // of a run that came to numbers which are not finite

  TrainConfig config_;
  const std::function<bool()>& should_stop_;
  const std::function<void(const Preparation&)>& preparing_;
  Communicator& communicator_;
  RunMeter meter_;
  RunLog log_;

  RunDirectory directory_;
  std::unique_ptr<FileLock> lock_;  // rank 0's
  std::optional<RunSetup> setup_;
  std::unique_ptr<Evaluator> evaluator_;  // with --eval
  StepSpec step_;
  ScheduleSpec schedule_;
  std::optional<StepProfiler> profiler_;  // with --profile
  std::optional<Executor> state_;
  std::unique_ptr<MixtureSearch> mixture_;  // of a differentiable search
  // Goes before all that holds memory of the device: giving that back waits for what is queued, which may
  // wait for a rank that is gone.
  std::unique_ptr<GradientExchange> exchange_;

  struct QueuedStep {
    int images;
    double learning_rate;
  };
  std::deque<QueuedStep> queued_;
  std::int64_t saved_step_ = 0;  // 0 when there is no checkpoint
  Clock::time_point last_save_;
  std::optional<double> last_epoch_loss_;
  TrainResult result_;
};

TrainResult Trainer::run() {
  // A space of a file by what it says, so that the run does not depend on where the file lies.
  config_.network.space = find_space(config_.network.space).name();
  check_config(config_);
  open_directory();
  try {
    set_up();
  } catch (const Interrupted&) {
    result_.interrupted = true;
    return result_;
  }
  take_memory();
  start_or_resume();
  if (config_.eval.only)
    evaluate();
  else
    train_steps();
  return finish();
}

// Several ranks stop together, after a step.
const std::function<bool()>& Trainer::stops_alone() const {
  static const std::function<bool()> never;
  return communicator_.size() == 1 ? should_stop_ : never;
}

// ---- Before the first step
void Trainer::open_directory() {
  directory_ = find_run_directory(config_, communicator_.place());
  config_.run.out = result_.run_directory = directory_.path();
  // One that is there is locked before anything is read, another when it is made.
  if (leads() && directory_.exists()) lock_directory();
  if (!leads() || config_.run.tensorboard.empty() || config_.eval.only) return;
  // A run that was killed before its first checkpoint has nothing but events to go on from.
  std::error_code none;
  const bool goes_on = !config_.run.resume.empty() && std::filesystem::exists(directory_.events_file(), none);
  check_tensorboard_directory(config_.run.tensorboard,
                              goes_on ? TensorboardStart::goes_on : TensorboardStart::fresh);
}

void Trainer::lock_directory() {
  if (config_.eval.only) return;  // reads only, also what another process goes on with
  const std::string& out = config_.run.out;
  lock_ = directory_.lock();
  if (!lock_->obstacle().empty())
    log_.line("--out " + out + ": cannot be locked (" + lock_->obstacle() +
              "); see to it that no other process trains into it");
  RLNAS_CHECK(!config_.run.resume.empty() || !directory_.holds_run(), usage, "--out ", out,
              ": already holds a run; go on with it by --resume auto, or choose another directory");
}

void Trainer::set_up() {
  const InterruptionScope interruption(stops_alone());
  static const std::function<void(const Preparation&)> silent;
  const PreparationScope preparation(leads() ? preparing_ : silent);
  const RunSetup& setup = setup_.emplace(config_, communicator_, log_);
  meter_.length = setup.length;
  if (!config_.eval.spec.empty())
    evaluator_ = std::make_unique<Evaluator>(config_, setup.data, communicator_.place());
  step_ = setup.step;
  schedule_ = schedule_spec(config_, setup.data.indices.size());
}

void Trainer::take_memory() {
  if (leads() && !lock_) lock_directory();
  if (config_.run.profile)
    profiler_.emplace(*setup_->device.backend, measure_profile_limits(setup_->device.threads));
  Backend& backend = profiler_ ? profiler_->backend() : *setup_->device.backend;
  state_.emplace(backend, setup_->network->layout(), setup_->plan.step_bytes);
  if (setup_->network->mixture())
    mixture_ = std::make_unique<MixtureSearch>(config_, *setup_->network, setup_->data, backend, *state_,
                                               communicator_.place());
  exchange_ = communicator_.make_gradient_exchange(backend);
  state_->set_exchange(exchange_.get());
  state_->parameters().set_decayed(decayed_segments(config_, setup_->network->layout().parameters()));
  if (exchange_)
    log_.line(std::to_string(communicator_.size()) + " ranks (this is " + communicator_.description() +
              "), gradients " + exchange_->description());
}

void Trainer::start_or_resume() {
  // Rank 0 hands all of it over.
  if (leads()) {
    if (!config_.run.resume.empty() && directory_.holds_run())
      resume();
    else
      start();
  }
  share_state(*state_, meter_.progress, communicator_);
  if (mixture_) mixture_->share(communicator_);
  saved_step_ = meter_.step();
  if (!config_.eval.only) log_.open_events(directory_.events_file(), config_.run.tensorboard, meter_.step());
  const std::string held_out =
      mixture_ ? " (and " + std::to_string(setup_->data.held_out.size()) + " held out)" : "";
  log_.line(std::to_string(setup_->data.indices.size()) + " images" + held_out + ", " +
            std::to_string(setup_->data.classes) + " classes of " + word_of(config_.labels.kind) +
            " labels, " + std::to_string(meter_.length.steps_per_epoch) + " steps an epoch");
  if (schedule_.kind == Schedule::cosine_ahead && schedule_.epochs == 1 && !config_.eval.only) {
    std::ostringstream rate;
    rate << learning_rate(schedule_, 0);
    log_.line("--epochs 1: this schedule is an epoch ahead, so that the learning rate is its last, " +
              rate.str() + "; --schedule linear begins with --learning-rate");
  }
  meter_.pace.start();
  last_save_ = Clock::now();
}

void Trainer::start() {
  const ModelBuilder& layout = setup_->network->layout();
  const std::vector<float> initial = layout.initial_parameters(config_.recipe.seed);
  state_->parameters().weights().upload(initial);
  state_->initial_weights().upload(initial);
  state_->statistics().upload(layout.initial_statistics());
  if (mixture_) mixture_->start(config_.recipe.seed);
  directory_.write_run_json(config_,
                            {.device = setup_->device.backend->description(),
                             .images = std::int64_t(setup_->data.indices.size()),
                             .classes = setup_->data.classes,
                             .data_checksum = setup_->data.fingerprint.contents,
                             .skipped_files = std::int64_t(setup_->data.skipped().size()),
                             .parameters = parameters_without_auxiliary(layout.parameters()),
                             .planned_memory_bytes = setup_->plan.step_bytes + setup_->plan.fixed_bytes,
                             .steps_per_epoch = meter_.length.steps_per_epoch});
  TensorFile init = model_tensors(state_->parameters().weights(), state_->statistics());
  init.metadata = {{"space", config_.network.space}, {"step", "0"}};
  write_safetensors(directory_.init_file(), init);
}

void Trainer::resume() {
  const RunLimits limits{meter_.length.steps_of_all_epochs(), std::int64_t(setup_->data.indices.size()),
                         setup_->data.fingerprint};
  meter_.progress =
      directory_.load(config_, limits, state_->parameters(), state_->statistics(), mixture_.get());
  load_tensors(read_safetensors(directory_.init_file()), directory_.init_file(), state_->initial_weights(),
               "");
  log_.line("resumed from " + directory_.path() + " at step " + std::to_string(meter_.step()));
}

// ---- Step by step
void Trainer::train_steps() {
  complete_save();
  if (meter_.done()) return;
  Prefetcher batches(setup_->batches.source(), meter_.length.epoch_of(meter_.step()),
                     meter_.length.place_in_epoch(meter_.step()));
  while (!meter_.done() && !result_.interrupted) {
    const std::int64_t step = meter_.step() + std::int64_t(queued_.size());
    communicator_.begin_step(step + 1);
    queue_step(next_batch(batches), step);
    // A device that is still busy with the step gets the next one before its loss is read.
    if (!state_->queues() || queued_.size() == Executor::kQueuedSteps) after_step();
    if (profiler_) profiler_->end_step(step + 1);

    const bool epoch_ends = meter_.length.place_in_epoch(step + 1) == 0,
               run_ends = step + 1 == meter_.length.steps;
    const Decision next = decide();
    result_.interrupted = next.stops && !run_ends;
    if (!epoch_ends && !run_ends && !result_.interrupted && !next.saves) continue;
    while (!queued_.empty()) after_step();
    if (evaluates_now()) evaluate();
    if (epoch_ends)
      end_epoch();
    else
      save(run_ends || result_.interrupted ? SaveScope::state_and_model : SaveScope::state);
  }
}

const HostBatch& Trainer::next_batch(Prefetcher& batches) {
  if (profiler_) profiler_->begin_step();
  const Clock::time_point asked = Clock::now();
  const HostBatch& batch = batches.next();
  meter_.pace.add_data_wait(RunPace::seconds_since(asked));
  if (profiler_) profiler_->data_ready();
  return batch;
}

// Forward, loss, backward, exchange of gradients, optimiser step; a differentiable search looks at held-out
// images first.
void Trainer::queue_step(const HostBatch& batch, std::int64_t step) {
  const double rate = learning_rate(schedule_, step);
  step_.sgd.learning_rate = float(rate);
  const auto forward = [&](Context& context, const Tensor& images) {
    return setup_->network->forward(context, images, step);
  };
  if (mixture_ && mixture_->moves(batch.epoch))
    mixture_->step(forward, batch.epoch, batch.step, step_, communicator_);
  state_->queue_step(forward, batch, step_);
  queued_.push_back({batch.global_count, rate});
}

void Trainer::after_step() {
  const LossSums sums = sum_over_ranks(state_->take_loss(), communicator_);
  const QueuedStep done = queued_.front();
  queued_.pop_front();
  meter_.count_step(sums, done.images, done.learning_rate);
  const std::int64_t step = meter_.step();
  RLNAS_CHECK(std::isfinite(sums.loss), run_failed, "the loss is not finite at step ", step, " (epoch ",
              meter_.length.epoch_of(step - 1), "); ", what_is_left());

  const bool logged = step % config_.run.log_every == 0 || meter_.done();
  if (logged) {
    meter_.pace.end_window();
    log_.step_event(meter_.now(), sums.loss / done.images);
  }
  TrainProgress now = meter_.now();
  now.logged = logged;
  log_.progress(now);
}

// What all ranks do after a step: they stop when one of them is told to, and save when rank 0's clock says
// so.
Trainer::Decision Trainer::decide() const {
  constexpr char kStop = 1, kSave = 2;
  const double save_every_s = 60.0 * config_.run.save_every_minutes;
  char own = should_stop_ && should_stop_() ? kStop : 0;
  if (save_every_s > 0.0 && RunPace::seconds_since(last_save_) >= save_every_s) own = char(own | kSave);
  const std::vector<char> all = communicator_.gather_values(own, "decision to go on");
  return {.stops = std::any_of(all.begin(), all.end(), [](char one) { return (one & kStop) != 0; }),
          .saves = (all.front() & kSave) != 0};
}

void Trainer::end_epoch() {
  TrainProgress now = meter_.now();
  now.epoch_end = true;
  last_epoch_loss_ = now.loss;
  meter_.begin_epoch();
  if (mixture_) {
    now.mixture = mixture_->progress();
    mixture_->begin_epoch();
  }
  for (const std::string& bad : setup_->batches.new_bad_files())
    log_.line("bad image file, another one took its place: " + bad);
  if (!leads()) return save(SaveScope::state_and_model);

  now.images_per_s = meter_.pace.run_images_per_s();
  now.has_angles = setup_->network->ranks_architectures();
  if (now.has_angles) {
    const AngleSummary angles = setup_->network->angle_summary(state_->angle_sums());
    now.angle_mean_rad = angles.mean_rad;
    now.angle_min_rad = angles.min_rad;
    now.angle_max_rad = angles.max_rad;
  }
  log_.epoch_event(now);
  save(SaveScope::state_and_model);
  if (keeps_epoch()) directory_.keep_epoch(now.epoch + 1);
  log_.progress(now);
}

bool Trainer::keeps_epoch() const {
  const int keep_every = config_.run.checkpoint_every;
  return keep_every > 0 && meter_.length.epoch_of(meter_.step()) % keep_every == 0;
}

// A run that was killed between the files of its last save goes on from the first of them: the others are
// written now.
void Trainer::complete_save() {
  const bool at_epoch_end = meter_.length.place_in_epoch(meter_.step()) == 0;
  bool is_missing = leads() && saved_step_ > 0 && (at_epoch_end || meter_.done()) &&
                    directory_.model_step() != meter_.step();
  communicator_.broadcast_value(is_missing, "the last save");
  if (is_missing) save(SaveScope::state_and_model);
  const int epoch = meter_.length.epoch_of(meter_.step());
  std::error_code none;
  if (leads() && saved_step_ > 0 && at_epoch_end && keeps_epoch() &&
      !std::filesystem::exists(directory_.epoch_file(epoch), none))
    directory_.keep_epoch(epoch);
}

bool Trainer::evaluates_now() const {
  if (!evaluator_) return false;
  if (meter_.done()) return true;
  const int every = config_.eval.every;
  return meter_.length.place_in_epoch(meter_.step()) == 0 && every > 0 &&
         meter_.length.epoch_of(meter_.step()) % every == 0;
}

void Trainer::evaluate() {
  TestCounts counts;
  try {
    const InterruptionScope interruption(stops_alone());
    counts = evaluator_->run(*state_, *setup_->network, step_.augment, communicator_);
  } catch (const Interrupted&) {
    result_.interrupted = true;  // what the weights are is saved
    return;
  }
  result_.evaluated = true;
  result_.top1 = counts.share(double(counts.top1));
  result_.top5 = counts.share(double(counts.top5));
  result_.test_loss = counts.share(counts.loss);
  if (result_.top1 > meter_.progress.best_top1) {
    meter_.progress.best_top1 = result_.top1;
    meter_.progress.best_step = meter_.step();
  }
  result_.best_top1 = meter_.progress.best_top1;
  log_.line(test_line(counts, meter_.progress));
  log_.test_event(result_, meter_.progress);
}

void Trainer::save(SaveScope scope) {
  Parameters& parameters = state_->parameters();
  HostCopy copy{.weights = parameters.weights().download(), .momentum = {}};
  check_same_weights(copy.weights, communicator_);
  if (leads()) copy.momentum = parameters.momentum().download();
  // A step whose loss was finite may have ended in weights that are not.
  bool finite = all_finite(copy.weights) && all_finite(copy.momentum);
  communicator_.broadcast_value(finite, "check of the weights");  // rank 0 alone knows of the momentum
  RLNAS_CHECK(finite, run_failed, "the weights are not finite after step ", meter_.step(), "; ",
              what_is_left());
  if (leads())
    directory_.save(scope, config_, meter_.progress, setup_->data.fingerprint, parameters, std::move(copy),
                    state_->statistics(), mixture_.get());
  saved_step_ = meter_.step();
  last_save_ = Clock::now();
}

// ---- After the last step
TrainResult Trainer::finish() {
  communicator_.barrier("end of the run");  // nobody leaves before rank 0 has saved
  result_.step_memory_bytes = state_->arena().peak_bytes();
  result_.steps = meter_.step();
  result_.loss = last_epoch_loss_ ? *last_epoch_loss_ : meter_.now().loss;
  if (mixture_) result_.genotype = mixture_->genotype();
  result_.images_per_s = meter_.pace.run_images_per_s();
  result_.data_wait_share = meter_.pace.data_wait_share();
  if (profiler_) {
    result_.profile = profile_report(profiler_->profile());
    if (leads()) write_file_atomically(directory_.trace_file(), profiler_->trace());
  }
  return result_;
}

std::string Trainer::what_is_left() const {
  if (saved_step_ == 0) return "no checkpoint was written before; try a lower --learning-rate";
  return "the last good checkpoint, of step " + std::to_string(saved_step_) + ", is in " + config_.run.out +
         "; try a lower --learning-rate";
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
