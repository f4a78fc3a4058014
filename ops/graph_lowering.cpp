// How a graph becomes a Program: see graph_program.h. Bit for bit what is run does not depend on these
// rewrites, but for the depthwise chain, whose norm is applied once more from the same statistics.
#include <algorithm>
#include <utility>

#include "ops/graph_facts.h"
#include "ops/graph_program.h"
#include "ops/mixture.h"

namespace rlnas {

class Lowering {
 public:
  Lowering(const Graph& graph, const NetworkLayout& layout, const ProgramOptions& options, Program& program)
      : graph_(graph),
        layout_(layout),
        options_(options),
        program_(program),
        facts_(graph, options),
        runs_layer_(std::size_t(graph.size()), 0),
        uses_(mixture_uses(graph)) {}

  void run() {
    for (int n = 0; n < graph_.size(); ++n) {
      begin_place(node(n));
      emit(n);
    }
    finish();
  }

 private:
  using Call = Program::Call;

  const Node& node(int n) const { return graph_[n]; }

  Call& add(Call::Kind kind, int n) {
    Call& call = program_.calls_.emplace_back();
    call.kind = kind;
    call.node = n;
    return call;
  }

  void begin_place(const Node& at) {
    if (at.stage > stage_) {
      stage_ = at.stage;
      program_.calls_.push_back({.kind = Call::Kind::begin_stage, .stage = graph_.stage_name(stage_)});
    }
    if (at.unit > unit_) {
      unit_ = at.unit;
      const int segment = layout_.first_segment(unit_);
      if (segment >= 0) program_.calls_.push_back({.kind = Call::Kind::begin_unit, .segment = segment});
    }
  }

  Call& add_unary(Call::Kind kind, int n) {
    Call& call = add(kind, n);
    call.inputs = {facts_.slot_of(node(n).inputs.front())};
    return call;
  }

  // Of term number `term` of a weighted sum; -1 for other sums.
  int use_of(int sum, std::size_t term) const {
    const auto first = std::ranges::find(uses_, sum, &MixtureUse::node);
    return first == uses_.end() ? -1 : int(first - uses_.begin()) + int(term);
  }

  // Of a norm that is a term: that of its sum.
  int use_of_norm(int n) const {
    const std::vector<int>& terms = node(facts_.reader_of(n)).inputs;
    const auto found = std::ranges::find_if(terms, [&](int term) { return facts_.same(term) == n; });
    return use_of(facts_.reader_of(n), std::size_t(found - terms.begin()));
  }

  Call::Term term_of(int n) {
    n = facts_.same(n);
    if (facts_.is_term(n) && node(n).kind == NodeKind::batch_norm)
      return {Call::Term::Kind::normalised, 2 * n};
    if (facts_.is_term(n)) return {Call::Term::Kind::averaged, facts_.slot_of(node(n).inputs.front())};
    return {Call::Term::Kind::plain, facts_.slot_of(n)};
  }

  void add_sum(int n, std::vector<Call::Term> terms, SumOutput want, Activation activation) {
    Call& call = add(Call::Kind::sum, n);
    call.terms = std::move(terms);
    call.want = want;
    call.activation = activation;
  }

  // The call that ends in node n, with whatever its readers want of it.
  void add_wanted_sum(int n, std::vector<Call::Term> terms) {
    const bool sum = facts_.is_read(n), activated = facts_.is_read_activated(n);
    add_sum(n, std::move(terms),
            sum && activated ? SumOutput::both
            : activated      ? SumOutput::activated
                             : SumOutput::sum,
            facts_.activation_of(n));
  }

  void emit_batch_norm(int n) {
    const int source = facts_.input(n);
    const bool fused = facts_.runs_with_norm(source);
    Call& call = add(fused ? Call::Kind::conv_norm : Call::Kind::normalise, n);
    call.norm = layout_.batch_norm(node(n).name);
    if (facts_.is_term(n)) call.norm.use = use_of_norm(n);
    runs_layer_[std::size_t(n)] = 1;
    if (fused) {
      runs_layer_[std::size_t(source)] = 1;
      call.conv = layout_.conv(node(source).name);
      const int activation = facts_.input(source);
      if (node(activation).kind == NodeKind::activation &&
          facts_.taker_of(facts_.input(activation)) == source) {
        call.terms = {{Call::Term::Kind::normalised, 2 * facts_.input(activation)}};
        call.activation = node(activation).activation;
      } else {
        call.inputs = {facts_.slot_of(activation)};
      }
    } else {
      call.inputs = {facts_.slot_of(source)};
    }
    if (facts_.is_sum(n)) add_wanted_sum(n, {{Call::Term::Kind::normalised, 2 * n}});
  }

  void emit(int n) {
    if (!facts_.runs(n)) return;
    if (facts_.is_constant(n)) {
      add(Call::Kind::zeros, n).shape = node(n).shape;
      return;
    }
    switch (node(n).kind) {
      case NodeKind::input:
      case NodeKind::zeros:
      case NodeKind::boundary:
        return;
      case NodeKind::conv:
        if (facts_.runs_with_norm(n)) return;
        runs_layer_[std::size_t(n)] = 1;
        add_unary(Call::Kind::conv, n).conv = layout_.conv(node(n).name);
        return;
      case NodeKind::batch_norm:
        return emit_batch_norm(n);
      case NodeKind::activation:
        // Of something that no sum call makes, and no convolution as it reads.
        if (facts_.slot_of(n) == 2 * n + 1 && facts_.taker_of(facts_.input(n)) < 0) {
          const int source = facts_.input(n);
          add_sum(n, {{Call::Term::Kind::plain, facts_.slot_of(source)}}, SumOutput::activated,
                  node(n).activation);
        }
        return;
      case NodeKind::sum:
      case NodeKind::weighted_sum: {
        std::vector<Call::Term> terms;
        for (std::size_t i = 0; i < node(n).inputs.size(); ++i) {
          if (facts_.is_zero(facts_.same(node(n).inputs[i]))) continue;
          terms.push_back(term_of(node(n).inputs[i]));
          if (terms.back().kind == Call::Term::Kind::plain) terms.back().use = use_of(n, i);
        }
        return add_wanted_sum(n, std::move(terms));
      }
      case NodeKind::concat: {
        Call& call = add(Call::Kind::concat, n);
        for (const int part : node(n).inputs)
          call.inputs.push_back(facts_.joins_activated(n) ? 2 * facts_.same(part) + 1 : facts_.slot_of(part));
        return;
      }
      case NodeKind::avg_pool: {
        if (facts_.is_term(n)) return;
        const int reader = facts_.reader_of(n);
        if (facts_.is_average_3x3(node(n)) && reader >= 0 && node(reader).kind == NodeKind::drop_path) {
          add_sum(n, {{Call::Term::Kind::averaged, facts_.slot_of(node(n).inputs.front())}}, SumOutput::sum,
                  Activation::relu);
          return;
        }
        add_unary(Call::Kind::avg_pool, n).pool = node(n).pool;
        return;
      }
      case NodeKind::max_pool:
        add_unary(Call::Kind::max_pool, n).pool = node(n).pool;
        return;
      case NodeKind::global_avg_pool:
        add_unary(Call::Kind::global_avg_pool, n);
        return;
      case NodeKind::subsample:
        add_unary(Call::Kind::subsample, n).offset = node(n).offset;
        return;
      case NodeKind::slice: {
        Call& call = add_unary(Call::Kind::slice, n);
        call.offset = node(n).offset;
        call.shape = node(n).shape;
        return;
      }
      case NodeKind::channel_shuffle:
        add_unary(Call::Kind::channel_shuffle, n).groups = node(n).groups;
        return;
      case NodeKind::linear:
        runs_layer_[std::size_t(n)] = 1;
        add_unary(Call::Kind::linear, n).linear = layout_.linear(node(n).name);
        return;
      case NodeKind::dropout:
        add_unary(Call::Kind::dropout, n).name = node(n).name;
        return;
      case NodeKind::drop_path:
        add_unary(Call::Kind::drop_path, n).name = node(n).name;
        return;
    }
  }

  // Outputs, when each slot is done with, and the weights of what was dropped.
  void finish() {
    program_.input_ = node(0).shape;
    program_.slots_ = 2 * graph_.size();
    const auto& outputs = graph_.outputs();
    for (std::size_t i = 0; i < outputs.size(); ++i)
      if (i == 0 || options_.trains)
        program_.outputs_.push_back({facts_.slot_of(outputs[i].node), outputs[i].weight});
    for (const int tap : options_.taps) program_.taps_.push_back(facts_.slot_of(tap));

    std::vector<char> kept(std::size_t(program_.slots_), 0);
    for (const Program::OutputSlot& output : program_.outputs_) kept[std::size_t(output.slot)] = 1;
    for (const int slot : program_.taps_) kept[std::size_t(slot)] = 1;
    for (std::size_t c = program_.calls_.size(); c-- > 0;) {
      Call& call = program_.calls_[c];
      const auto done_with = [&](int slot) {
        if (std::exchange(kept[std::size_t(slot)], char{1}) == 0) call.done.push_back(slot);
      };
      if (call.node >= 0)  // what it makes and nobody reads
        for (const int slot : {2 * call.node, 2 * call.node + 1})
          if (kept[std::size_t(slot)] == 0) call.done.push_back(slot);
      for (const int slot : call.inputs) done_with(slot);
      for (const Call::Term& term : call.terms) done_with(term.slot);
    }
    for (int n = 0; n < graph_.size(); ++n)
      if (runs_layer_[std::size_t(n)] == 0) add_idle_parameters(n);
  }

  void add_idle_parameters(int n) {
    const auto add = [&](int segment) {
      if (segment >= 0) program_.idle_parameters_.push_back(segment);
    };
    if (node(n).kind == NodeKind::conv) add(layout_.conv(node(n).name).weight);
    if (node(n).kind != NodeKind::batch_norm) return;
    add(layout_.batch_norm(node(n).name).gamma);
    add(layout_.batch_norm(node(n).name).beta);
  }

  const Graph& graph_;
  const NetworkLayout& layout_;
  const ProgramOptions& options_;
  Program& program_;
  const GraphFacts facts_;
  std::vector<char> runs_layer_;  // of each node: its weights are used
  const std::vector<MixtureUse> uses_;
  int stage_ = -1, unit_ = -1;
};

Program::Program(const Graph& graph, const NetworkLayout& layout, const ProgramOptions& options) {
  Lowering(graph, layout, options, *this).run();
}

}  // namespace rlnas
