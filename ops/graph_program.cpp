// Program::run. How a program is made: graph_lowering.cpp.
#include "ops/graph_program.h"

#include <algorithm>
#include <utility>

#include "kernels/check.h"
#include "ops/channels.h"
#include "ops/classifier.h"
#include "ops/conv.h"
#include "ops/pool.h"

namespace rlnas {
namespace {

// What lies in a slot: tensors, or the term of a norm that is left to whoever reads it.
struct Slot {
  Tensor tensor;
  SumTerm term;
};

class Run {
 public:
  Run(Context& context, const Tensor& images, const Program::Drops& drops, std::size_t slots)
      : context_(context), drops_(drops), batch_(images.n()), dtype_(images.dtype), slots_(slots) {
    slots_.front().tensor = images;
  }

  void call(const Program::Call& call);
  Tensor& tensor(int slot) { return slots_[std::size_t(slot)].tensor; }

 private:
  using Call = Program::Call;

  const Tensor& input(const Call& call) const { return slots_[std::size_t(call.inputs.front())].tensor; }
  SumTerm take_term(const Call::Term& term) {
    Slot& slot = slots_[std::size_t(term.slot)];
    switch (term.kind) {
      case Call::Term::Kind::plain:
        return {.x = slot.tensor, .use = term.use};
      case Call::Term::Kind::averaged:
        return average_3x3(slot.tensor);
      case Call::Term::Kind::normalised:
        break;
    }
    return std::exchange(slot.term, SumTerm{});  // nobody else reads it
  }
  void sum(const Call& call);
  void conv_norm_of(const Call& call);

  Context& context_;
  const Program::Drops& drops_;
  int batch_;
  DType dtype_;
  std::vector<Slot> slots_;
};

void Run::sum(const Call& call) {
  std::vector<SumTerm> terms;
  for (const Call::Term& one : call.terms) terms.push_back(take_term(one));
  const NodeOutput out = norm_sum(context_, std::move(terms), call.want, call.activation);
  tensor(2 * call.node) = out.sum;
  tensor(2 * call.node + 1) = out.activated;
}

void Run::conv_norm_of(const Call& call) {
  slots_[std::size_t(2 * call.node)].term =
      call.terms.empty()
          ? conv_norm(context_, input(call), call.conv, call.norm)
          : conv_norm(context_, take_term(call.terms.front()), call.activation, call.conv, call.norm);
}

void Run::call(const Call& call) {
  Slot& out = slots_[std::size_t(2 * std::max(call.node, 0))];
  switch (call.kind) {
    case Call::Kind::begin_stage:
      context_.tape.begin_stage(call.stage);
      break;
    case Call::Kind::begin_unit:
      context_.mark_gradients_from(call.segment);
      break;
    case Call::Kind::zeros:
      out.tensor = make_tensor(context_.arena,
                               Shape::image(batch_, call.shape.height, call.shape.width, call.shape.channels),
                               Layout::nhwc, dtype_);
      context_.backend.run(Fill{.count = out.tensor.count(), .value = 0.0f, .y = out.tensor.data()});
      break;
    case Call::Kind::conv:
      out.tensor = conv2d(context_, input(call), call.conv);
      break;
    case Call::Kind::conv_norm:
      conv_norm_of(call);
      break;
    case Call::Kind::normalise:
      out.term = normalise(context_, input(call), call.norm);
      break;
    case Call::Kind::sum:
      sum(call);
      break;
    case Call::Kind::concat: {
      std::vector<Tensor> parts;
      for (const int slot : call.inputs) parts.push_back(tensor(slot));
      out.tensor = concat_channels(context_, parts);
      break;
    }
    case Call::Kind::avg_pool:
      out.tensor = avg_pool(context_, input(call), call.pool);
      break;
    case Call::Kind::max_pool:
      out.tensor = max_pool(context_, input(call), call.pool);
      break;
    case Call::Kind::global_avg_pool:
      out.tensor = global_avg_pool(context_, input(call));
      break;
    case Call::Kind::subsample:
      out.tensor = subsample(context_, input(call), call.offset);
      break;
    case Call::Kind::slice:
      out.tensor = slice_channels(context_, input(call), call.offset, call.shape.channels);
      break;
    case Call::Kind::channel_shuffle:
      out.tensor = shuffle_channels(context_, input(call), call.groups);
      break;
    case Call::Kind::linear:
      out.tensor = rlnas::linear(context_, input(call), call.linear);
      break;
    case Call::Kind::dropout:
      out.tensor = dropout(context_, input(call), call.name, drops_.values);
      break;
    case Call::Kind::drop_path:
      out.tensor = drop_path(context_, input(call), call.name, drops_.paths);
      break;
  }
  for (const int slot : call.done) slots_[std::size_t(slot)] = {};
}

// Records what happens to the gradient of a tap, between all that read its value and what made it.
void watch(Context& context, const Tensor& value, const std::shared_ptr<TapGradients>& gradients,
           std::size_t tap) {
  if (value.variable < 0) return;
  RLNAS_CHECK(value.applied == Activation::none, run_failed,
              "gradients are told of values before their activation: tap what is activated");
  context.tape.record([&context, value = value.for_gradient(), gradients, tap] {
    Tensor arrived = context.tape.take_gradient(value.variable);
    const Tensor& seed = gradients->seeds[tap];
    if (seed)
      context.tape.add_gradient(value, seed);
    else if (arrived)
      context.tape.add_gradient(value, arrived);
    gradients->arrived[tap] = std::move(arrived);
  });
}

}  // namespace

Program::Result Program::run(Context& context, const Tensor& images, const Drops& drops) const {
  RLNAS_CHECK(images.c() == input_.channels && images.h() == input_.height && images.w() == input_.width,
              run_failed, "a network for images of ", input_.height, "x", input_.width, "x", input_.channels,
              " was given ", images.h(), "x", images.w(), "x", images.c());
  if (context.records())
    for (const int segment : idle_parameters_) context.parameters.mark_on_path(segment);
  Tensor input = images;
  Result result;
  if (context.records() && !taps_.empty()) {
    result.tap_gradients = std::make_shared<TapGradients>();
    result.tap_gradients->seeds.resize(taps_.size());
    result.tap_gradients->arrived.resize(taps_.size());
  }
  const auto watch_taps_on = [&](int node, const auto& value_in) {
    for (std::size_t t = 0; result.tap_gradients && t < taps_.size(); ++t)
      if (taps_[t] / 2 == node) watch(context, value_in(taps_[t]), result.tap_gradients, t);
  };
  const bool input_tapped = std::find(taps_.begin(), taps_.end(), 0) != taps_.end();
  if (input_tapped && context.records()) input.variable = context.tape.new_variable();
  watch_taps_on(0, [&](int) { return input; });
  Run run(context, input, drops, std::size_t(slots_));
  for (const Call& call : calls_) {
    run.call(call);
    if (call.node > 0) watch_taps_on(call.node, [&](int slot) { return run.tensor(slot); });
  }
  result.logits = run.tensor(outputs_.front().slot);
  for (std::size_t i = 1; i < outputs_.size(); ++i)
    context.auxiliary.push_back({run.tensor(outputs_[i].slot), outputs_[i].weight});
  for (const int slot : taps_) result.taps.push_back(run.tensor(slot));
  return result;
}

}  // namespace rlnas
