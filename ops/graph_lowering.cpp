// How a graph becomes a Program: see graph_program.h. Bit for bit what is run does not depend on these
// rewrites, but for the depthwise chain, whose norm is applied once more from the same statistics.
#include <algorithm>
#include <utility>

#include "kernels/check.h"
#include "ops/graph_program.h"

namespace rlnas {

class Lowering {
 public:
  Lowering(const Graph& graph, const NetworkLayout& layout, const ProgramOptions& options, Program& program)
      : graph_(graph),
        layout_(layout),
        options_(options),
        program_(program),
        facts_(std::size_t(graph.size())) {}

  void run() {
    simplify();
    find_live();
    count_readers();
    leave_activations_to_parts();
    for (int n = 0; n < graph_.size(); ++n) {
      begin_place(node(n));
      emit(n);
    }
    finish();
  }

 private:
  using Call = Program::Call;

  struct Facts {
    int same = -1;       // the node whose value this one has; itself, mostly
    int activated = -1;  // its activation node, when there is one
    int readers = 0;     // that read the value as it is
    int activation_readers = 0;
    int only_reader = -1;  // the last one seen
    bool zero = false;
    bool constant = false;  // zeros that are written to memory
    bool live = false;
    bool runs_layer = false;                          // its weights are used
    bool concatenates_activated = false;              // a concat whose activation its parts have
    Activation joined_activation = Activation::none;  // of such a part
  };

  Facts& facts(int n) { return facts_[std::size_t(n)]; }
  int same(int n) { return facts(n).same; }
  const Node& node(int n) const { return graph_[n]; }
  int input(int n) { return same(node(n).inputs.front()); }

  // ---- what each node is ------------------------------------------------------------------------------

  void materialise(int n) {
    if (!facts(n).zero) return;
    facts(n).zero = false;
    facts(n).constant = true;
  }

  // What a norm with a shift makes of zeros is not zero: its convolution runs.
  void run_on_zeros(int n) {
    const int source = input(n);
    if (!facts(source).zero) return;
    if (node(source).kind == NodeKind::conv) {
      facts(source).zero = false;
      materialise(input(source));
    } else {
      materialise(source);
    }
  }

  static bool is_average_3x3(const Node& node) {
    return node.kind == NodeKind::avg_pool && node.pool.kernel == 3 && node.pool.stride == 1 &&
           node.pool.padding == 1;
  }

  void simplify() {
    for (int n = 0; n < graph_.size(); ++n) {
      Facts& own = facts(n);
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
          own.zero = facts(input(n)).zero;
          break;
        case NodeKind::batch_norm:
          if (node(n).affine == Affine::yes)
            run_on_zeros(n);
          else
            own.zero = facts(input(n)).zero;
          break;
        case NodeKind::linear:
          run_on_zeros(n);
          break;
        case NodeKind::activation:
          simplify_activation(n);
          break;
        case NodeKind::sum:
          simplify_sum(n);
          break;
        case NodeKind::concat:
          for (const int part : node(n).inputs) materialise(same(part));
          break;
        case NodeKind::dropout:
        case NodeKind::drop_path:
          if (facts(input(n)).zero ||
              !(node(n).kind == NodeKind::dropout ? options_.drops_values : options_.drops_paths))
            own.same = input(n);
          break;
        case NodeKind::boundary:
          own.same = input(n);
          if (facts(own.same).zero) {
            own.same = n;
            own.constant = true;
          }
          break;
      }
    }
  }

  void simplify_activation(int n) {
    Facts& source = facts(input(n));
    const bool stays = source.zero || source.constant;  // zeros, activated
    if (!stays && source.activated < 0) source.activated = n;
    facts(n).same = stays ? input(n) : source.activated;
    RLNAS_CHECK(stays || node(source.activated).activation == node(n).activation, run_failed,
                "two kinds of activation of one value");
  }

  void simplify_sum(int n) {
    int terms = 0, last = -1;
    for (const int term : node(n).inputs)
      if (!facts(same(term)).zero) ++terms, last = same(term);
    facts(n).zero = terms == 0;
    // A norm and an average are made by the sum that takes them.
    if (terms == 1 && node(last).kind != NodeKind::batch_norm && !is_average_3x3(node(last)))
      facts(n).same = last;
  }

  void find_live() {
    const auto& outputs = graph_.outputs();
    for (std::size_t i = 0; i < outputs.size(); ++i)
      if (i == 0 || options_.trains) facts(same(outputs[i].node)).live = true;
    // What ends in a boundary runs, read or not: its norms see the batch.
    for (int n = 0; n < graph_.size(); ++n)
      if (node(n).kind == NodeKind::boundary) facts(same(n)).live = true;
    for (const int tap : options_.taps) {
      materialise(same(tap));
      facts(same(tap)).live = true;
    }
    for (int n = graph_.size(); n-- > 0;) {
      if (!facts(n).live || facts(n).constant) continue;
      for (const int in : node(n).inputs)
        if (!facts(same(in)).zero) facts(same(in)).live = true;
    }
  }

  void count_readers() {
    for (int n = 0; n < graph_.size(); ++n) {
      if (!facts(n).live || facts(n).constant) continue;
      for (const int in : node(n).inputs) {
        Facts& source = facts(same(in));
        if (source.zero) continue;
        ++(node(n).kind == NodeKind::activation ? source.activation_readers : source.readers);
        source.only_reader = n;
      }
    }
    const auto reads_from_outside = [&](int n) {
      ++facts(n).readers;
      facts(n).only_reader = -1;
    };
    const auto& outputs = graph_.outputs();
    for (std::size_t i = 0; i < outputs.size(); ++i)
      if (i == 0 || options_.trains) reads_from_outside(same(outputs[i].node));
    for (const int tap : options_.taps) reads_from_outside(same(tap));
  }

  int reader_of(int n) {
    const Facts& own = facts(n);
    return own.readers + own.activation_readers == 1 ? own.only_reader : -1;
  }

  // An activation of joined sums is made where these are.
  void leave_activations_to_parts() {
    for (int n = 0; n < graph_.size(); ++n) {
      if (!facts(n).live || node(n).kind != NodeKind::concat || facts(n).readers > 0) continue;
      const std::vector<int>& parts = node(n).inputs;
      if (!std::all_of(parts.begin(), parts.end(), [&](int part) { return is_sum(same(part)); })) continue;
      facts(n).concatenates_activated = true;
      for (const int part : parts) {
        --facts(same(part)).readers;
        ++facts(same(part)).activation_readers;
        facts(same(part)).joined_activation = node(facts(n).activated).activation;
      }
    }
  }

  // ---- what runs as one call --------------------------------------------------------------------------

  bool runs_with_norm(int conv) {
    const int reader = reader_of(conv);
    return node(conv).kind == NodeKind::conv && reader >= 0 && node(reader).kind == NodeKind::batch_norm;
  }

  // One of two convolutions is depthwise and the other 1x1: expand and filter, or filter and project.
  bool is_chain(int first, int second) const {
    const auto depthwise = [](const Conv2d& c) { return c.groups > 1 && c.groups == c.in_channels; };
    const auto pointwise = [](const Conv2d& c) { return c.groups == 1 && c.kernel == 1; };
    const Conv2d &a = node(first).conv, &b = node(second).conv;
    return (depthwise(a) && pointwise(b)) || (pointwise(a) && depthwise(b));
  }

  // The convolution that applies this norm as it reads; -1: none does.
  int taker_of(int norm) {
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
  bool is_term(int n) {
    if (node(n).kind != NodeKind::batch_norm && !is_average_3x3(node(n))) return false;
    const int reader = reader_of(n);
    return reader >= 0 && node(reader).kind == NodeKind::sum;
  }

  // A node whose value a norm_sum call makes: a sum, or a norm by itself.
  bool is_sum(int n) {
    if (facts(n).constant) return false;
    if (node(n).kind == NodeKind::sum) return true;
    return node(n).kind == NodeKind::batch_norm && !is_term(n) && taker_of(n) < 0;
  }

  // Where a value lies. Slots: 2n for the value of node n or its term, 2n+1 for its activation.
  int slot_of(int n) {
    n = same(n);
    if (node(n).kind != NodeKind::activation || facts(n).constant) return 2 * n;
    const int source = input(n);
    if (facts(source).concatenates_activated) return 2 * source;
    return is_sum(source) ? 2 * source + 1 : 2 * n + 1;
  }

  // ---- calls ------------------------------------------------------------------------------------------

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
    call.inputs = {slot_of(node(n).inputs.front())};
    return call;
  }

  Call::Term term_of(int n) {
    n = same(n);
    if (is_term(n) && node(n).kind == NodeKind::batch_norm) return {Call::Term::Kind::normalised, 2 * n};
    if (is_term(n)) return {Call::Term::Kind::averaged, slot_of(node(n).inputs.front())};
    return {Call::Term::Kind::plain, slot_of(n)};
  }

  void add_sum(int n, std::vector<Call::Term> terms, Want want, Activation activation) {
    Call& call = add(Call::Kind::sum, n);
    call.terms = std::move(terms);
    call.want = want;
    call.activation = activation;
  }

  // The call that ends in node n, with whatever its readers want of it.
  void add_wanted_sum(int n, std::vector<Call::Term> terms) {
    const Facts& own = facts(n);
    const bool sum = own.readers > 0, activated = own.activation_readers > 0;
    add_sum(n, std::move(terms),
            sum && activated ? Want::both
            : activated      ? Want::activated
                             : Want::sum,
            activation_of(n));
  }
  Activation activation_of(int n) {
    const int activation = facts(n).activated;
    return activation >= 0 ? node(activation).activation : facts(n).joined_activation;
  }

  void emit_batch_norm(int n) {
    const int source = input(n);
    const bool fused = runs_with_norm(source);
    Call& call = add(fused ? Call::Kind::conv_norm : Call::Kind::normalise, n);
    call.norm = layout_.batch_norm(node(n).name);
    facts(n).runs_layer = true;
    if (fused) {
      facts(source).runs_layer = true;
      call.conv = layout_.conv(node(source).name);
      const int activation = input(source);
      if (node(activation).kind == NodeKind::activation && taker_of(input(activation)) == source) {
        call.terms = {{Call::Term::Kind::normalised, 2 * input(activation)}};
        call.activation = node(activation).activation;
      } else {
        call.inputs = {slot_of(activation)};
      }
    } else {
      call.inputs = {slot_of(source)};
    }
    if (is_sum(n)) add_wanted_sum(n, {{Call::Term::Kind::normalised, 2 * n}});
  }

  void emit(int n) {
    if (!facts(n).live || same(n) != n) return;
    if (facts(n).constant) {
      add(Call::Kind::zeros, n).shape = node(n).shape;
      return;
    }
    switch (node(n).kind) {
      case NodeKind::input:
      case NodeKind::zeros:
      case NodeKind::boundary:
        return;
      case NodeKind::conv:
        if (runs_with_norm(n)) return;
        facts(n).runs_layer = true;
        add_unary(Call::Kind::conv, n).conv = layout_.conv(node(n).name);
        return;
      case NodeKind::batch_norm:
        return emit_batch_norm(n);
      case NodeKind::activation:
        // Of something that no sum call makes, and no convolution as it reads.
        if (slot_of(n) == 2 * n + 1 && taker_of(input(n)) < 0) {
          const int source = input(n);
          add_sum(n, {{Call::Term::Kind::plain, slot_of(source)}}, Want::activated, node(n).activation);
        }
        return;
      case NodeKind::sum: {
        std::vector<Call::Term> terms;
        for (const int term : node(n).inputs)
          if (!facts(same(term)).zero) terms.push_back(term_of(term));
        return add_wanted_sum(n, std::move(terms));
      }
      case NodeKind::concat: {
        Call& call = add(Call::Kind::concat, n);
        for (const int part : node(n).inputs)
          call.inputs.push_back(facts(n).concatenates_activated ? 2 * same(part) + 1 : slot_of(part));
        return;
      }
      case NodeKind::avg_pool: {
        if (is_term(n)) return;
        const int reader = reader_of(n);
        if (is_average_3x3(node(n)) && reader >= 0 && node(reader).kind == NodeKind::drop_path) {
          add_sum(n, {{Call::Term::Kind::averaged, slot_of(node(n).inputs.front())}}, Want::sum,
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
      case NodeKind::linear:
        facts(n).runs_layer = true;
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
        program_.outputs_.push_back({slot_of(outputs[i].node), outputs[i].weight});
    for (const int tap : options_.taps) program_.taps_.push_back(slot_of(tap));

    std::vector<char> kept(std::size_t(program_.slots_), 0);
    for (const Program::OutputSlot& output : program_.outputs_) kept[std::size_t(output.slot)] = 1;
    for (const int slot : program_.taps_) kept[std::size_t(slot)] = 1;
    for (std::size_t c = program_.calls_.size(); c-- > 0;) {
      Call& call = program_.calls_[c];
      const auto done_with = [&](int slot) {
        if (std::exchange(kept[std::size_t(slot)], char{1}) == 0) call.done.push_back(slot);
      };
      for (const int slot : call.inputs) done_with(slot);
      for (const Call::Term& term : call.terms) done_with(term.slot);
    }
    for (int n = 0; n < graph_.size(); ++n)
      if (!facts(n).runs_layer) add_idle_parameters(n);
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
  std::vector<Facts> facts_;
  int stage_ = -1, unit_ = -1;
};

Program::Program(const Graph& graph, const NetworkLayout& layout, const ProgramOptions& options) {
  Lowering(graph, layout, options, *this).run();
}

}  // namespace rlnas
