// What every choice of an operation adds to an architecture's angle, costs and vector, made once for a space
// and a pair of weights: after that an architecture is a few additions. All come from the graph of all
// candidates and the space's peculiarities. Source: method.md 7.2-7.4, 9.1, appendices A and C.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "engine/segment_table.h"
#include "rlnas/choices.hpp"
#include "search/angle.h"
#include "search/genes.h"
#include "search/space.h"

namespace rlnas {

template <class T>
class PerChoice {
 public:
  PerChoice() = default;
  explicit PerChoice(const Space& space) {
    for (int gene = 0; gene < space.gene_count(); ++gene) stride_ = std::max(stride_, space.choices(gene));
    values_.resize(std::size_t(space.gene_count() * stride_));
  }
  const T& at(int gene, int op) const { return values_[std::size_t(gene * stride_ + op)]; }
  T& at(int gene, int op) { return values_[std::size_t(gene * stride_ + op)]; }

 private:
  int stride_ = 0;
  std::vector<T> values_;  // [gene][op]
};

// What one choice adds to the three sums for each path that runs over it.
struct ChoiceSums {
  AngleSums weights;    // of its tensors, in all cells of the kind together
  double ninths = 0.0;  // constants, in ninths: the same in all three sums, and whole numbers so that equal
                        // vectors stay exact ties
  double op_angle_rad = 0.0;  // sum over the cells of the operation's own angle

  // Of `paths` paths.
  AngleSums sums(int paths) const {
    const double n = paths, constants = ninths / 9.0;
    return {n * (weights.dot + constants), n * (weights.norm0_sq + constants),
            n * (weights.norm1_sq + constants)};
  }
};

struct AngleTable {
  AngleSums fixed;  // of what every architecture has
  PerChoice<ChoiceSums> choices;
};

struct CountTable {
  std::int64_t fixed = 0;
  PerChoice<std::int64_t> choices;

  std::int64_t of(const Genes& genes) const {
    std::int64_t total = fixed;
    for (std::size_t gene = 0; gene < genes.size(); ++gene) total += choices.at(int(gene), genes[gene]);
    return total;
  }
};

// `sums`: the three sums of each of `segments`, the tensors of the SuperNet that `supernet` describes. Under
// Compat::megvii the vector is composed as the published code does. Errors: run_failed when the sizes differ
// or a sum is not finite (a NaN in the weights), naming the tensor, or when a tensor belongs to no choice of
// this space.
AngleTable make_angle_table(const Space& space, const NetworkOptions& supernet, const SegmentTable& segments,
                            const std::vector<AngleSums>& sums, Compat compat);

struct StandAloneCounts {
  CountTable macs;  // by the published counter: exact integers, where the published sums are FP32
  CountTable params;
  CountTable layers;  // convolutions and classifiers
};
// Errors: usage for a network that cannot be.
StandAloneCounts stand_alone_counts(const Space& space, NetworkOptions network);
// Entries of the published weight vector of the SuperNet whose tensors `segments` are, each choice counted
// for one path.
CountTable length_table(const Space& space, const NetworkOptions& supernet, const SegmentTable& segments);

}  // namespace rlnas
