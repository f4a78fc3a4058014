// Random zeros against over-fitting: dropout of single values and drop path of whole edges, sample by sample.
// What is kept is scaled so that its mean stays. Both draw from Philox streams of (seed, layer, step, rank):
// a resumed run drops what an uninterrupted one would, whatever the number of threads. In evaluation both
// pass their input on. Source: method.md 10.
#pragma once

#include <cstdint>
#include <string_view>

#include "ops/context.h"

namespace rlnas {

struct DropSpec {
  double probability = 0.0;  // of a zero, below 1
  std::uint64_t seed = 0;
  std::int64_t step = 0;
  int rank = 0;

  bool active(const Context& context) const { return probability > 0.0 && context.records(); }
};

// `layer` names the stream of its draws. Shapes: x [N,F] -> [N,F].
Tensor dropout(Context& context, const Tensor& x, std::string_view layer, const DropSpec& spec);

// The whole of each sample, or none of it. Shapes: x [N,H,W,C] -> [N,H,W,C].
Tensor drop_path(Context& context, const Tensor& x, std::string_view layer, const DropSpec& spec);

}  // namespace rlnas
