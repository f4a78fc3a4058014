#include "search/mixture_search.h"

#include <utility>

#include "search/checkpoint.h"
#include "search/rank_agreement.h"

namespace rlnas {
namespace {

constexpr const char* kFirst = "adam.first.";
constexpr const char* kSecond = "adam.second.";

}  // namespace

MixtureSearch::MixtureSearch(const TrainConfig& config, const TrainedNetwork& network,
                             const TrainingData& data, Backend& backend, Executor& executor,
                             const RankPlace& place)
    : executor_(executor),
      held_out_(config, data, data.held_out, place),
      begin_(config.mixture.begin),
      mover_(network, backend, executor,
             {.learning_rate = config.mixture.learning_rate,
              .beta1 = 0.5,
              .weight_decay = config.mixture.weight_decay}) {}

void MixtureSearch::share(Communicator& communicator) {
  MixtureMover::State state = mover_.state();
  communicator.broadcast_all(state.logits, "weights of the candidates");
  communicator.broadcast_all(state.adam.first, "moments of Adam");
  communicator.broadcast_all(state.adam.second, "moments of Adam");
  communicator.broadcast_value(state.adam.steps, "steps of Adam");
  communicator.broadcast_value(epoch_, "held-out images");
  mover_.set_state(std::move(state));
}

void MixtureSearch::save_model(TensorFile& file) const {
  append_tensors(file, mover_.spec().logits, mover_.state().logits, "");
}

void MixtureSearch::save_optimiser(TensorFile& file) const {
  append_tensors(file, mover_.spec().logits, mover_.state().adam.first, kFirst);
  append_tensors(file, mover_.spec().logits, mover_.state().adam.second, kSecond);
  HeldOutProgress progress = epoch_;
  progress.adam_steps = mover_.state().adam.steps;
  write_held_out(file.metadata, progress);
}

void MixtureSearch::load(const TensorFile& file, const std::string& path) {
  const SegmentTable& logits = mover_.spec().logits;
  epoch_ = StateMetadata(file.metadata, path).held_out();
  MixtureMover::State state{.logits = read_tensors(file, path, logits, ""), .adam = AdamState()};
  state.adam.first = read_tensors(file, path, logits, kFirst);
  state.adam.second = read_tensors(file, path, logits, kSecond);
  state.adam.steps = epoch_.adam_steps;
  mover_.set_state(std::move(state));
}

void MixtureSearch::step(const Executor::Forward& forward, int epoch, int place, const StepSpec& spec,
                         Communicator& communicator) {
  held_out_.source().fill(epoch, place, batch_);
  std::vector<double> own;
  const LossSums sums = sum_over_ranks(executor_.mixture_pass(forward, batch_, spec, own), communicator);
  epoch_.loss_sum += sums.loss;
  epoch_.correct += sums.correct;
  epoch_.images += batch_.global_count;
  mover_.move(mean_over_ranks(std::move(own), double(batch_.count) / batch_.global_count, communicator));
}

TrainProgress::Mixture MixtureSearch::progress() const {
  TrainProgress::Mixture now{
      .moves = epoch_.images > 0, .entropy = mover_.alpha_entropy(), .genotype = mover_.genotype()};
  if (now.moves) {
    now.held_out_loss = epoch_.loss_sum / double(epoch_.images);
    now.held_out_accuracy = double(epoch_.correct) / double(epoch_.images);
  }
  return now;
}

}  // namespace rlnas
