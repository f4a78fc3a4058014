#include "ops/norm_sum.h"

#include "ops/pool.h"
#include "ops/weight_gradients.h"

namespace rlnas {
namespace {

// Sends the gradient of the sum to one of its terms.
void backward_term(Context& context, const SumTerm& term, const Tensor& dsum) {
  const Tensor& x = term.x;
  if (x.variable < 0) return;
  if (term.averaged)
    add_avg_pool_gradient(context, PoolSpec{x.n(), x.c(), x.h(), x.w()}, x, dsum);
  else
    context.tape.add_gradient(x, dsum);
}

}  // namespace

NormTensors norm_tensors(Context& context, const BatchNorm& norm) {
  const auto parameter = [&](int segment) -> const float* {
    if (segment < 0) return nullptr;
    if (context.records()) context.use_segment(segment);
    return context.parameters.weight(segment);
  };
  return {parameter(norm.gamma), parameter(norm.beta), context.statistics.at(norm.running_mean),
          context.statistics.at(norm.running_var),
          make_tensor(context.arena, Shape::matrix(4, norm.channels), Layout::flat)};
}

namespace {

// Of statistics that are constants: what arrives goes on times a factor of each channel.
void scale_gradient(Context& context, const BatchNormSpec& spec, const SumTerm& term, const Tensor& dz,
                    const Tensor& dx) {
  const Tensor zero = make_tensor(context.arena, Shape::matrix(1, spec.channels), Layout::flat);
  context.backend.run(Fill{.count = zero.count(), .value = 0.0f, .y = zero.data()});
  AffineSumSpec scaled{.rows = spec.rows, .channels = spec.channels, .term_count = 1};
  scaled.terms[0] = {.x = dz.data(), .scale = term.saved().scale, .shift = zero.data()};
  context.backend.run(AffineSum{.spec = scaled, .sum = dx.data()});
}

void record_norm(Context& context, const BatchNormSpec& spec, const BatchNorm& norm, const Tensor& x,
                 SumTerm& term) {
  // x may need no gradient (a cell without a live path passes constants on) while gamma and beta still do.
  if (!context.records() || (x.variable < 0 && norm.gamma < 0 && norm.beta < 0)) return;
  term.x.variable = context.tape.new_variable();
  context.tape.record([&context, spec, norm, x, term, frozen = context.uses_running_statistics()] {
    const Tensor dz = context.tape.take_gradient(term.x.variable);
    if (!dz) return;
    Tensor dx = make_tensor(context.arena, x.shape);
    write_weight_gradients(context, std::array{norm.gamma, norm.beta}, [&](const auto& gradients) {
      // Gamma's and beta's are the same sums for frozen statistics; dx is not.
      if (frozen && gradients[0] == nullptr && gradients[1] == nullptr) return;
      run(context, BatchNormBackward{.spec = spec,
                                     .x = x.data(),
                                     .dy = dz.data(),
                                     .saved = term.saved(),
                                     .dx = dx.data(),
                                     .dgamma = gradients[0],
                                     .dbeta = gradients[1]});
    });
    if (x.variable < 0) return;
    if (frozen) scale_gradient(context, spec, term, dz, dx);
    context.tape.add_gradient(x, std::move(dx));
  });
}

}  // namespace

SumTerm normalise(Context& context, const Tensor& x, const BatchNorm& norm) {
  const BatchNormSpec spec{
      .rows = x.rows(), .channels = norm.channels, .momentum = context.statistics_momentum};
  const NormTensors tensors = norm_tensors(context, norm);
  SumTerm term{x, tensors.saved};
  term.x.variable = -1;
  term.x.applied = Activation::none;
  if (context.uses_running_statistics()) {
    context.backend.run(BatchNormInference{.spec = spec,
                                           .gamma = tensors.gamma,
                                           .beta = tensors.beta,
                                           .running_mean = tensors.running_mean,
                                           .running_var = tensors.running_var,
                                           .saved = term.saved()});
  } else {
    run(context, BatchNormStatistics{.spec = spec,
                                     .x = x.data(),
                                     .gamma = tensors.gamma,
                                     .beta = tensors.beta,
                                     .running_mean = tensors.running_mean,
                                     .running_var = tensors.running_var,
                                     .saved = term.saved()});
  }
  record_norm(context, spec, norm, x, term);
  return term;
}

SumTerm average_3x3(const Tensor& x) {
  SumTerm term{x};
  term.averaged = true;
  return term;
}

NodeOutput norm_sum(Context& context, std::vector<SumTerm> terms, SumOutput want, Activation activation) {
  RLNAS_CHECK(!terms.empty() && terms.size() <= AffineSumSpec::kMaxTerms, run_failed, "a sum of ",
              terms.size(), " terms");
  const Tensor& first = terms.front().x;
  const Shape shape = first.shape;
  AffineSumSpec spec{.rows = first.rows(),
                     .channels = first.c(),
                     .height = first.h(),
                     .width = first.w(),
                     .term_count = int(terms.size())};
  spec.activation = activation;
  bool wants_gradient = false;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const SumTerm& term = terms[i];
    RLNAS_CHECK(term.x.shape == shape, run_failed, "a sum of tensors of different shapes");
    wants_gradient |= context.records(term.x);
    spec.terms[i].x = term.x.data();
    spec.terms[i].averaged = term.averaged;
    if (!term.norm) continue;
    spec.terms[i].scale = term.saved().scale;
    spec.terms[i].shift = term.saved().shift;
  }

  NodeOutput out;
  if (want != SumOutput::activated) out.sum = make_tensor(context.arena, shape);
  if (want != SumOutput::sum) out.activated = make_tensor(context.arena, shape);
  context.backend.run(AffineSum{.spec = spec, .sum = out.sum.data(), .activated = out.activated.data()});
  out.activated.applied = activation;
  if (!wants_gradient) return out;

  const int variable = context.tape.new_variable();
  out.sum.variable = out.activated.variable = variable;
  for (SumTerm& term : terms) term = {term.x.for_gradient(), {}, term.averaged};
  context.tape.record([&context, variable, terms = std::move(terms)] {
    const Tensor dsum = context.tape.take_gradient(variable);
    if (!dsum) return;
    for (const SumTerm& term : terms) backward_term(context, term, dsum);
  });
  return out;
}

}  // namespace rlnas
