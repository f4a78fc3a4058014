// Winograd convolution F(4x4, 3x3): 3x3 filters, stride 1, padding 1, four times fewer multiplications.
//
// An output tile of 4x4 pixels and its 6x6 inputs are polynomials; evaluated at the points 0, +-sqrt(1/2),
// +-sqrt(2) and infinity in both directions, the convolution becomes 36 products of matrices, one per pair of
// points. These points, rather than the usual 0, +-1, +-2, cost nothing and halve the rounding error.
// Source: Winograd 1980; Lavin and Gray 2016.
//
// Everything here runs on the calling thread on `images` images (spec.batch is not read), so that the caller
// cuts the batch. Activations NHWC, weights OIHW. Pointers need no alignment beyond float's; 64 bytes is
// faster. Determinism: results depend on the arguments alone; an image's forward and backward-data results do
// not depend on its companions.
#pragma once

#include <cstddef>

#include "kernels/spec.h"

namespace rlnas {

// 3x3, stride 1, padding 1, dilation 1, one group, and channels on both sides in multiples of 16; any height
// and width (those not divisible by four waste part of the last tiles).
bool winograd_supports(const ConvSpec& spec);

// ---- forward and backward-data ----------------------------------------------------------------------------
// Size of the transformed weights of one pass: 36*C*K floats.
std::size_t winograd_weight_bytes(const ConvSpec& spec, ConvPass pass);
// w [K,C,3,3] -> transformed. Once per call on the whole batch.
void winograd_transform_weights(const ConvSpec& spec, ConvPass pass, const float* w, float* transformed);
std::size_t winograd_scratch_bytes(const ConvSpec& spec, ConvPass pass, int images);
// forward: in is x [images,H,W,C], out is y [images,H,W,K]; backward_data: in is dy, out is dx.
void winograd_run(const ConvSpec& spec, ConvPass pass, int images, const float* in, const float* transformed,
                  float* out, void* scratch);

// ---- backward-weights ---------------------------------------------------------------------------------------
// winograd_weight_bytes(spec, backward_weights) is the size of `sums`. winograd_accumulate adds the images'
// contributions to it (zero it first), and winograd_finish_weights turns it into dw [K,C,3,3].
void winograd_accumulate(const ConvSpec& spec, int images, const float* x, const float* dy, float* sums,
                         void* scratch);
void winograd_finish_weights(const ConvSpec& spec, const float* sums, float* dw);

}  // namespace rlnas
