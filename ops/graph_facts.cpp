#include "ops/graph_facts.h"

#include <algorithm>

#include "kernels/check.h"

namespace rlnas {

GraphFacts::GraphFacts(const Graph& graph, const ProgramOptions& options)
    : graph_(graph), options_(options), facts_(std::size_t(graph.size())) {
  simplify();
  find_live();
  count_readers();
  leave_activations_to_parts();
}

void GraphFacts::materialise(int n) {
  if (!of(n).zero) return;
  of(n).zero = false;
  of(n).constant = true;
}

// What a norm with a shift makes of zeros is not zero: its convolution runs.
void GraphFacts::run_on_zeros(int n) {
  const int source = input(n);
  if (!of(source).zero) return;
  if (node(source).kind == NodeKind::conv) {
    of(source).zero = false;
    materialise(input(source));
  } else {
    materialise(source);
  }
}

bool GraphFacts::is_average_3x3(const Node& node) {
  return node.kind == NodeKind::avg_pool && node.pool.kernel == 3 && node.pool.stride == 1 &&
         node.pool.padding == 1;
}

void GraphFacts::simplify() {
  for (int n = 0; n < graph_.size(); ++n) {
    Facts& own = of(n);
    own.same = n;
    switch (node(n).kind) {
      case NodeKind::input:
        RLNAS_CHECK(n == 0, run_failed, "a graph begins with its input");
        break;
      case NodeKind::zeros:
        own.zero = true;
        break;
      case NodeKind::conv:
      case NodeKind::avg_pool:
      case NodeKind::max_pool:
      case NodeKind::global_avg_pool:
      case NodeKind::subsample:
      case NodeKind::slice:
      case NodeKind::channel_shuffle:
        own.zero = of(input(n)).zero;
        break;
      case NodeKind::batch_norm:
        if (node(n).affine == Affine::yes)
          run_on_zeros(n);
        else
          own.zero = of(input(n)).zero;
        break;
      case NodeKind::linear:
        run_on_zeros(n);
        break;
      case NodeKind::activation:
        simplify_activation(n);
        break;
      case NodeKind::sum:
      case NodeKind::weighted_sum:
        simplify_sum(n);
        break;
      case NodeKind::concat:
        for (const int part : node(n).inputs) materialise(same(part));
        break;
      case NodeKind::dropout:
      case NodeKind::drop_path:
        if (of(input(n)).zero ||
            !(node(n).kind == NodeKind::dropout ? options_.drops_values : options_.drops_paths))
          own.same = input(n);
        break;
      case NodeKind::boundary:
        own.same = input(n);
        if (of(own.same).zero) {
          own.same = n;
          own.constant = true;
        }
        break;
    }
  }
}

void GraphFacts::simplify_activation(int n) {
  Facts& source = of(input(n));
  const bool stays = source.zero || source.constant;  // zeros, activated
  if (!stays && source.activated < 0) source.activated = n;
  of(n).same = stays ? input(n) : source.activated;
  RLNAS_CHECK(stays || node(source.activated).activation == node(n).activation, run_failed,
              "two kinds of activation of one value");
}

void GraphFacts::simplify_sum(int n) {
  int terms = 0, last = -1;
  for (const int term : node(n).inputs)
    if (!of(same(term)).zero) ++terms, last = same(term);
  of(n).zero = terms == 0;
  // A norm and an average are made by the sum that takes them.
  if (terms == 1 && node(n).kind == NodeKind::sum && node(last).kind != NodeKind::batch_norm &&
      !is_average_3x3(node(last)))
    of(n).same = last;
}

void GraphFacts::find_live() {
  const auto& outputs = graph_.outputs();
  for (std::size_t i = 0; i < outputs.size(); ++i)
    if (i == 0 || options_.trains) of(same(outputs[i].node)).live = true;
  // What ends in a boundary runs, read or not: its norms see the batch.
  for (int n = 0; n < graph_.size(); ++n)
    if (node(n).kind == NodeKind::boundary) of(same(n)).live = true;
  for (const int tap : options_.taps) {
    materialise(same(tap));
    of(same(tap)).live = true;
  }
  for (int n = graph_.size(); n-- > 0;) {
    if (!of(n).live || of(n).constant) continue;
    for (const int in : node(n).inputs)
      if (!of(same(in)).zero) of(same(in)).live = true;
  }
}

void GraphFacts::count_readers() {
  for (int n = 0; n < graph_.size(); ++n) {
    if (!of(n).live || of(n).constant) continue;
    for (const int in : node(n).inputs) {
      Facts& source = of(same(in));
      if (source.zero) continue;
      ++(node(n).kind == NodeKind::activation ? source.activation_readers : source.readers);
      source.only_reader = n;
    }
  }
  const auto reads_from_outside = [&](int n) {
    ++of(n).readers;
    of(n).only_reader = -1;
  };
  const auto& outputs = graph_.outputs();
  for (std::size_t i = 0; i < outputs.size(); ++i)
    if (i == 0 || options_.trains) reads_from_outside(same(outputs[i].node));
  for (const int tap : options_.taps) reads_from_outside(same(tap));
}

int GraphFacts::reader_of(int n) const {
  const Facts& own = of(n);
  return own.readers + own.activation_readers == 1 ? own.only_reader : -1;
}

// An activation of joined sums is made where these are.
void GraphFacts::leave_activations_to_parts() {
  for (int n = 0; n < graph_.size(); ++n) {
    if (!of(n).live || node(n).kind != NodeKind::concat || of(n).readers > 0) continue;
    const std::vector<int>& parts = node(n).inputs;
    if (!std::all_of(parts.begin(), parts.end(), [&](int part) { return is_sum(same(part)); })) continue;
    of(n).joins_activated = true;
    for (const int part : parts) {
      --of(same(part)).readers;
      ++of(same(part)).activation_readers;
      of(same(part)).joined_activation = node(of(n).activated).activation;
    }
  }
}

bool GraphFacts::runs_with_norm(int conv) const {
  const int reader = reader_of(conv);
  return node(conv).kind == NodeKind::conv && reader >= 0 && node(reader).kind == NodeKind::batch_norm;
}

// One of two convolutions is depthwise and the other 1x1: expand and filter, or filter and project.
bool GraphFacts::is_chain(int first, int second) const {
  const auto depthwise = [](const Conv2d& c) { return c.groups > 1 && c.groups == c.in_channels; };
  const auto pointwise = [](const Conv2d& c) { return c.groups == 1 && c.kernel == 1; };
  const Conv2d &a = node(first).conv, &b = node(second).conv;
  return (depthwise(a) && pointwise(b)) || (pointwise(a) && depthwise(b));
}

// The convolution that applies this norm as it reads; -1: none does.
int GraphFacts::taker_of(int norm) const {
  const int activation = reader_of(norm);
  if (node(norm).kind != NodeKind::batch_norm || activation < 0 ||
      node(activation).kind != NodeKind::activation)
    return -1;
  const int conv = reader_of(activation);
  const int own_conv = input(norm);
  if (conv < 0 || !runs_with_norm(conv) || !runs_with_norm(own_conv)) return -1;
  return is_chain(own_conv, conv) ? conv : -1;
}

// A norm or an average that the sum which reads it takes as a term.
bool GraphFacts::is_term(int n) const {
  if (node(n).kind != NodeKind::batch_norm && !is_average_3x3(node(n))) return false;
  const int reader = reader_of(n);
  if (reader < 0) return false;
  // A factor of the mixture takes the place of gamma.
  const bool takes_factor = node(n).kind == NodeKind::batch_norm && node(n).affine == Affine::no;
  return node(reader).kind == NodeKind::sum || (node(reader).kind == NodeKind::weighted_sum && takes_factor);
}

// A node whose value a norm_sum call makes: a sum, or a norm by itself.
bool GraphFacts::is_sum(int n) const {
  if (of(n).constant) return false;
  if (node(n).kind == NodeKind::sum || node(n).kind == NodeKind::weighted_sum) return true;
  return node(n).kind == NodeKind::batch_norm && !is_term(n) && taker_of(n) < 0;
}

// Where a value lies. Slots: 2n for the value of node n or its term, 2n+1 for its activation.
int GraphFacts::slot_of(int n) const {
  n = same(n);
  if (node(n).kind != NodeKind::activation || of(n).constant) return 2 * n;
  const int source = input(n);
  if (of(source).joins_activated) return 2 * source;
  return is_sum(source) ? 2 * source + 1 : 2 * n + 1;
}

Activation GraphFacts::activation_of(int n) const {
  const int activation = of(n).activated;
  return activation >= 0 ? node(activation).activation : of(n).joined_activation;
}

}  // namespace rlnas
