// The node of a cell: the sum of its incoming edges, with batch norm applied to each on the way, pooling
// edges averaged on the way, and an optional activation on the way out, in one pass over memory.
#pragma once

#include <vector>

#include "ops/context.h"
#include "ops/layers.h"

namespace rlnas {

// One source of a sum: x as it is, x batch-normalised, or the 3x3 stride-1 average of x.
struct SumTerm {
  Tensor x;          // [N,H,W,C]
  Tensor norm = {};  // [4,C] as BatchNormSaved, or empty
  bool averaged = false;
  int use = -1;  // of the mixture whose factor x is multiplied by as it is read; -1: none

  BatchNormSaved saved() const { return BatchNormSaved::at(norm.data(), x.c()); }
};

// Batch norm of x; the normalisation itself is left to the norm_sum that takes the term.
SumTerm normalise(Context& context, const Tensor& x, const BatchNorm& norm);
// The term of an average-pooling edge (3x3, stride 1, padding 1, pixels inside the image alone).
SumTerm average_3x3(const Tensor& x);

struct NodeOutput {
  Tensor sum;        // empty unless wanted
  Tensor activated;  // activation(sum), likewise; shares the variable of the sum
};

enum class SumOutput { sum, activated, both };

// Shapes: every term [N,H,W,C], both outputs too. Errors: run_failed for more than AffineSumSpec::kMaxTerms
// terms or none.
NodeOutput norm_sum(Context& context, std::vector<SumTerm> terms, SumOutput want,
                    Activation activation = Activation::relu);

// The device memory behind a batch-norm layer, with room for what its forward pass saves.
struct NormTensors {
  const float *gamma, *beta;  // or null
  float *running_mean, *running_var;
  Tensor saved;
};
NormTensors norm_tensors(Context& context, const BatchNorm& norm);  // in training, also marks it on the path
// Where the gradient of the factor in the place of gamma goes; null where none is wanted.
float* factor_gradient(const Context& context, const BatchNorm& norm);

}  // namespace rlnas
