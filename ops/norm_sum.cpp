#include "ops/norm_sum.h"

#include "ops/mixture.h"
#include "ops/pool.h"
#include "ops/weight_gradients.h"

namespace rlnas {
namespace {

const Mixture& mixture_of(const Context& context) {
  RLNAS_CHECK(context.mixture != nullptr, run_failed, "a weighted sum without a mixture that weights it");
  return *context.mixture;
}

// What arrives goes on times a factor of each channel.
Tensor scaled_gradient(Context& context, const float* factors, const float* zeros, const Tensor& dz) {
  Tensor dx = make_like(context.arena, dz);
  AffineSumSpec scaled{.rows = dz.rows(), .channels = dz.c(), .term_count = 1};
  scaled.terms[0] = {.x = dz.data(), .scale = factors, .shift = zeros};
  context.backend.run(AffineSum{.spec = scaled, .sum = dx.data()});
  return dx;
}

void backward_weighted(Context& context, const SumTerm& term, const Tensor& dsum) {
  const Mixture& mixture = mixture_of(context);
  if (context.mixture_gradients)
    run(context, ChannelDots{.rows = dsum.rows(),
                             .channels = dsum.c(),
                             .x = term.x.data(),
                             .dy = dsum.data(),
                             .dots = mixture.gradient(term.use)});
  if (term.x.variable >= 0)
    context.tape.add_gradient(term.x,
                              scaled_gradient(context, mixture.factors(term.use), mixture.zeros(), dsum));
}

// Sends the gradient of the sum to one of its terms.
void backward_term(Context& context, const SumTerm& term, const Tensor& dsum) {
  const Tensor& x = term.x;
  if (term.use >= 0) return backward_weighted(context, term, dsum);
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
  return {norm.use >= 0 ? mixture_of(context).factors(norm.use) : parameter(norm.gamma), parameter(norm.beta),
          context.statistics.at(norm.running_mean), context.statistics.at(norm.running_var),
          make_tensor(context.arena, Shape::matrix(4, norm.channels), Layout::flat)};
}

float* factor_gradient(const Context& context, const BatchNorm& norm) {
  return norm.use >= 0 && context.mixture_gradients ? mixture_of(context).gradient(norm.use) : nullptr;
}

namespace {

// Of statistics that are constants.
Tensor frozen_gradient(Context& context, const SumTerm& term, const Tensor& dz) {
  const Tensor zeros = make_tensor(context.arena, Shape::matrix(1, dz.c()), Layout::flat);
  context.backend.run(Fill{.count = zeros.count(), .value = 0.0f, .y = zeros.data()});
  return scaled_gradient(context, term.saved().scale, zeros.data(), dz);
}

void record_norm(Context& context, const BatchNormSpec& spec, const BatchNorm& norm, const Tensor& x,
                 SumTerm& term) {
  // x may need no gradient (a cell without a live path passes constants on) while gamma and beta still do.
  if (!context.records() || (x.variable < 0 && norm.gamma < 0 && norm.beta < 0 && norm.use < 0)) return;
  term.x.variable = context.tape.new_variable();
  context.tape.record([&context, spec, norm, x, term, frozen = context.uses_running_statistics()] {
    const auto [dz, note, activation] = context.tape.take_noted_gradient(term.x.variable);
    if (!dz) return;
    Tensor dx = make_like(context.arena, x);
    write_weight_gradients(context, std::array{norm.gamma, norm.beta}, [&](const auto& gradients) {
      // Gamma's and beta's are the same sums for frozen statistics; dx is not.
      float* const dgamma = norm.use >= 0 ? factor_gradient(context, norm) : gradients[0];
      if (frozen && dgamma == nullptr && gradients[1] == nullptr) return;
      run(context, BatchNormBackward{.spec = spec,
                                     .x = x.data(),
                                     .dy = dz.data(),
                                     .saved = term.saved(),
                                     .dx = dx.data(),
                                     .dgamma = dgamma,
                                     .dbeta = gradients[1],
                                     .activation = activation});
    });
    if (x.variable < 0) return;
    if (frozen) dx = frozen_gradient(context, term, dz);
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
  AffineSumSpec spec{.rows = first.rows(),
                     .channels = first.c(),
                     .height = first.h(),
                     .width = first.w(),
                     .term_count = int(terms.size())};
  spec.activation = activation;
  bool wants_gradient = false;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const SumTerm& term = terms[i];
    RLNAS_CHECK(term.x.shape == first.shape, run_failed, "a sum of tensors of different shapes");
    wants_gradient |= context.records(term.x);
    spec.terms[i].x = term.x.data();
    spec.terms[i].averaged = term.averaged;
    if (term.use >= 0) {
      spec.terms[i].scale = mixture_of(context).factors(term.use);
      spec.terms[i].shift = mixture_of(context).zeros();
      wants_gradient |= context.records() && context.mixture_gradients;
    }
    if (!term.norm) continue;
    spec.terms[i].scale = term.saved().scale;
    spec.terms[i].shift = term.saved().shift;
  }

  NodeOutput out;
  if (want != SumOutput::activated) out.sum = make_like(context.arena, first);
  if (want != SumOutput::sum) out.activated = make_like(context.arena, first);
  context.backend.run(AffineSum{.spec = spec, .sum = out.sum.data(), .activated = out.activated.data()});
  out.activated.applied = activation;
  if (!wants_gradient) return out;

  const int variable = context.tape.new_variable();
  out.sum.variable = out.activated.variable = variable;
  if (out.activated && activation != Activation::none && context.backend.gains_by_masking_once()) {
    out.activated.applied = Activation::none;
    out.activated.variable = context.tape.new_activated_variable(variable, activation, out.activated);
  }
  // The gradient of a norm's statistics can pass back through the activation of what it gives.
  const SumTerm& only = terms.front();
  const bool only_norm = terms.size() == 1 && only.norm && only.use < 0 && !context.uses_running_statistics();
  for (SumTerm& term : terms) {
    const bool reads_x = term.use >= 0 && context.mixture_gradients;
    term = {reads_x ? term.x : term.x.for_gradient(), {}, term.averaged, term.use};
  }
  context.tape.record([&context, variable, only_norm, terms = std::move(terms)] {
    if (only_norm) {
      Tape::NotedGradient arrived = context.tape.take_noted_gradient(variable);
      const int norm = terms.front().x.variable;
      if (arrived.gradient && norm >= 0) context.tape.pass_on(norm, std::move(arrived));
      return;
    }
    const Tensor dsum = context.tape.take_gradient(variable);
    if (!dsum) return;
    for (const SumTerm& term : terms) backward_term(context, term, dsum);
  });
  return out;
}

}  // namespace rlnas
