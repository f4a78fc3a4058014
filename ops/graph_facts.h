// What the lowering has to know of a graph's nodes: whose value each one has, what is zero, what is read by
// whom, and so what runs as one call.
#pragma once

#include <vector>

#include "ops/graph.h"
#include "ops/graph_program.h"

namespace rlnas {

class GraphFacts {
 public:
  GraphFacts(const Graph& graph, const ProgramOptions& options);

  const Node& node(int n) const { return graph_[n]; }
  int same(int n) const { return of(n).same; }                     // the node whose value this one has
  int input(int n) const { return same(node(n).inputs.front()); }  // the first
  bool is_zero(int n) const { return of(n).zero; }                 // known to be, and not in memory
  bool is_constant(int n) const { return of(n).constant; }         // zeros that are written to memory
  bool runs(int n) const { return of(n).live && same(n) == n; }    // its value is wanted
  bool joins_activated(int n) const {
    return of(n).joins_activated;
  }                                                        // a concat whose activation its parts have
  bool is_read(int n) const { return of(n).readers > 0; }  // as it is
  bool is_read_activated(int n) const { return of(n).activation_readers > 0; }
  Activation activation_of(int n) const;  // that its readers want of it
  int reader_of(int n) const;             // the only one; -1: there are several, or one from outside

  static bool is_average_3x3(const Node& node);
  bool runs_with_norm(int conv) const;  // as one call with the batch norm behind it
  // The convolution that applies this norm as it reads: of expand and filter, or filter and project; -1: none
  // does.
  int taker_of(int norm) const;
  bool is_term(int n) const;  // a norm or an average that the sum which reads it takes as a term
  bool is_sum(int n) const;   // a node whose value a norm_sum call makes: a sum, or a norm by itself
  // Where a value lies. Slots: 2n for the value of node n or its term, 2n+1 for its activation.
  int slot_of(int n) const;

 private:
  struct Facts {
    int same = -1;
    int activated = -1;  // its activation node, when there is one
    int readers = 0;
    int activation_readers = 0;
    int only_reader = -1;  // the last one seen
    bool zero = false;
    bool constant = false;
    bool live = false;
    bool joins_activated = false;
    Activation joined_activation = Activation::none;  // of a part of such a concat
  };

  Facts& of(int n) { return facts_[std::size_t(n)]; }
  const Facts& of(int n) const { return facts_[std::size_t(n)]; }
  bool is_chain(int first, int second) const;

  void simplify();
  void simplify_activation(int n);
  void simplify_sum(int n);
  void materialise(int n);
  void run_on_zeros(int n);
  void find_live();
  void count_readers();
  void leave_activations_to_parts();

  const Graph& graph_;
  const ProgramOptions& options_;
  std::vector<Facts> facts_;
};

}  // namespace rlnas
