// The end of a network: the linear classifier and its loss.
#pragma once

#include "ops/context.h"
#include "ops/layers.h"

namespace rlnas {

// Shapes: x [N,F] -> [N,O].
Tensor linear(Context& context, const Tensor& x, const Linear& layer);

// Mean cross-entropy of logits [N,K] against labels [N] (int32). Puts its gradient on the tape when training
// (`weight` times it) and writes the sums over the batch to device memory at `sums`.
void cross_entropy(Context& context, const Tensor& logits, const Tensor& labels, float label_smoothing,
                   LossSums* sums, float weight = 1.0f);

// Puts `weight` times the gradient of that loss on the tape, and writes no sums.
void add_weighted_loss(Context& context, const Tensor& logits, const Tensor& labels, float label_smoothing,
                       float weight);

}  // namespace rlnas
