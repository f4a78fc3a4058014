#include "ops/norm_sum.h"

#include <memory>

namespace rlnas {
namespace {

// What the backward pass needs of one term.
struct SavedTerm {
  SumTerm term;
  BatchNormSpec spec;
  Tensor saved;  // four rows of C: mean, inv_std, scale, shift; empty for a plain term

  BatchNormSaved pointers() const { return BatchNormSaved::at(saved.data(), spec.channels); }
};

float* parameter(const Context& context, int segment) {
  return segment >= 0 ? context.parameters.weight(segment) : nullptr;
}

SavedTerm normalise(Context& context, SumTerm term) {
  SavedTerm saved{std::move(term), {}, {}};
  if (!saved.term.norm) return saved;
  const BatchNorm& norm = *saved.term.norm;
  const Tensor& x = saved.term.x;
  saved.spec = {.rows = x.rows(), .channels = norm.channels};
  saved.saved = make_tensor(context.arena, Shape::matrix(4, norm.channels), Layout::flat);
  const float* gamma = parameter(context, norm.gamma);
  const float* beta = parameter(context, norm.beta);
  float* mean = context.statistics.at(norm.running_mean);
  float* variance = context.statistics.at(norm.running_var);
  if (context.mode == Mode::evaluate) {
    context.backend.batch_norm_inference(saved.spec, gamma, beta, mean, variance, saved.pointers());
    return saved;
  }
  for (const int segment : {norm.gamma, norm.beta})
    if (segment >= 0) context.parameters.mark_on_path(segment);
  const ScopedWorkspace workspace(context.arena, context.backend.batch_norm_workspace_bytes(saved.spec));
  context.backend.batch_norm_statistics(saved.spec, x.data(), gamma, beta, mean, variance, saved.pointers(),
                                        workspace);
  return saved;
}

void backward_term(Context& context, const SavedTerm& saved, const Tensor& dsum) {
  const Tensor& x = saved.term.x;
  if (x.variable < 0) return;
  if (!saved.term.norm) {
    context.tape.add_gradient(x, dsum);
    return;
  }
  const BatchNorm& norm = *saved.term.norm;
  float* dgamma = norm.gamma >= 0 ? context.parameters.gradient_of(norm.gamma) : nullptr;
  float* dbeta = norm.beta >= 0 ? context.parameters.gradient_of(norm.beta) : nullptr;
  Tensor dx = make_tensor(context.arena, x.shape);
  {
    const ScopedWorkspace workspace(context.arena, context.backend.batch_norm_workspace_bytes(saved.spec));
    context.backend.batch_norm_backward(saved.spec, x.data(), dsum.data(), saved.pointers(), dx.data(),
                                        dgamma, dbeta, workspace);
  }
  context.tape.add_gradient(x, std::move(dx));
}

}  // namespace

NodeOutput norm_sum(Context& context, std::vector<SumTerm> terms, Want want, Activation activation) {
  RLNAS_CHECK(!terms.empty() && terms.size() <= AffineSumSpec::kMaxTerms, run_failed, "a sum of ",
              terms.size(), " terms");
  const Tensor& first = terms.front().x;
  const Shape shape = first.shape;
  AffineSumSpec spec{.rows = first.rows(), .channels = first.c(), .term_count = int(terms.size())};
  spec.activation = activation;
  bool wants_gradient = false;
  std::vector<SavedTerm> saved;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    RLNAS_CHECK(terms[i].x.shape == shape, run_failed, "a sum of tensors of different shapes");
    wants_gradient |= context.records(terms[i].x);
    saved.push_back(normalise(context, std::move(terms[i])));
    spec.terms[i].x = saved.back().term.x.data();
    if (saved.back().saved) {
      spec.terms[i].scale = saved.back().pointers().scale;
      spec.terms[i].shift = saved.back().pointers().shift;
    }
  }

  NodeOutput out;
  if (want != Want::activated) out.sum = make_tensor(context.arena, shape);
  if (want != Want::sum) out.activated = make_tensor(context.arena, shape);
  context.backend.affine_sum(spec, out.sum ? out.sum.data() : nullptr,
                             out.activated ? out.activated.data() : nullptr);
  if (!wants_gradient) return out;
  for (SavedTerm& term : saved)
    if (!term.term.norm) term.term.x = term.term.x.without_data();

  const int sum_variable = context.tape.new_variable();
  if (out.sum) out.sum.variable = sum_variable;
  if (out.activated) out.activated.variable = context.tape.new_variable();
  context.tape.record(
      [&context, activation, shape, sum_variable, saved = std::move(saved), activated = out.activated] {
        const Tensor sum{shape, DType::f32, Layout::nhwc, sum_variable, {}};
        if (activated) {
          Tensor dactivated = context.tape.take_gradient(activated.variable);
          if (dactivated && !context.tape.has_gradient(sum_variable) && dactivated.buffer.unique()) {
            context.backend.activation_backward(activation, shape.count(), activated.data(),
                                                dactivated.data(), dactivated.data(), Store::overwrite);
            context.tape.add_gradient(sum, std::move(dactivated));
          } else if (dactivated) {
            const Tape::Target target = context.tape.gradient_target(sum);
            context.backend.activation_backward(activation, shape.count(), activated.data(),
                                                dactivated.data(), target.data, target.store);
          }
        }
        const Tensor dsum = context.tape.take_gradient(sum_variable);
        if (!dsum) return;
        for (const SavedTerm& term : saved) backward_term(context, term, dsum);
      });
  return out;
}

}  // namespace rlnas
