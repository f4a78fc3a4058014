// The node of a cell: the sum of its incoming edges, with batch norm applied to each on the way and an
// optional ReLU on the way out, in one pass over memory. One term makes it plain batch norm, plain terms make
// it an add.
#pragma once

#include <optional>
#include <vector>

#include "ops/context.h"
#include "ops/layers.h"

namespace rlnas {

struct SumTerm {
  Tensor x;
  std::optional<BatchNorm> norm;  // none: x as it is
};

struct NodeOutput {
  Tensor sum;        // empty unless wanted
  Tensor activated;  // activation(sum), likewise
};

enum class Want { sum, activated, both };

// Shapes: every term [N,H,W,C], both outputs too. Errors: run_failed for more than AffineSumSpec::kMaxTerms
// terms or none.
NodeOutput norm_sum(Context& context, std::vector<SumTerm> terms, Want want,
                    Activation activation = Activation::relu);

}  // namespace rlnas
