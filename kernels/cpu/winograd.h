// Winograd convolution F(4x4, 3x3): 3x3 filters, stride 1, padding 1, four times fewer multiplications.
//
// An output tile of 4x4 pixels and its 6x6 inputs are polynomials; evaluated at the points 0, +-sqrt(1/2),
// +-sqrt(2) and infinity in both directions, the convolution becomes 36 products of matrices, one per pair of
// points. These points, rather than the usual 0, +-1, +-2, cost nothing and halve the rounding error.
// Source: Winograd 1980; Lavin and Gray 2016.
//
// Everything here runs on the calling thread on `images` images (spec.batch is not read), so that the caller
// cuts the batch. Measured on one AVX-512 core against oneDNN's direct algorithm: forward 1.6 / 2.2 / 2.5
// times as fast with 16 / 32 / 64 channels, backward-weights 1.3 / 1.7 / 1.7. Activations NHWC, weights OIHW.
// Pointers need no alignment beyond float's; 64 bytes is faster. Determinism: results depend on the arguments
// alone; an image's forward and backward-data results do not depend on its companions.
#pragma once

#include <cstddef>

#include "rlnas/spec.hpp"

namespace rlnas {

// Channels on both sides come in multiples of this.
inline constexpr int kWinogradChannels = 16;

// 3x3, stride 1, padding 1, dilation 1, one group, and channels as above; any height and width (those not
// divisible by four waste part of the last tiles). Everything below asks for such a spec and does not check.
bool winograd_supports(const ConvSpec& spec);

// Scratch memory of one thread for winograd_run or, with backward_weights, winograd_accumulate.
std::size_t winograd_scratch_bytes(const ConvSpec& spec, ConvPass pass, int images);
// Transformed weights of a pass, or sums of winograd_accumulate: 36*C*K floats.
std::size_t winograd_weight_bytes(const ConvSpec& spec);
// Parts into which work on weights is cut for threads: 16 channels of the side the pass writes each.
int winograd_weight_parts(const ConvSpec& spec, ConvPass pass);

// ---- forward and backward-data ------------------------------------------------------------------------
// w [K,C,3,3] -> one part of transformed. All parts, once per call on the whole batch.
void winograd_transform_weights(const ConvSpec& spec, ConvPass pass, int part, const float* w,
                                float* transformed);
// forward: in is x [images,H,W,C], out is y [images,H,W,K]; backward_data: in is dy, out is dx.
void winograd_run(const ConvSpec& spec, ConvPass pass, int images, const float* in, const float* transformed,
                  float* out, void* scratch);

// ---- backward-weights -----------------------------------------------------------------------------------
// x, dy -> added to sums, which start as zeros. Many images per sums: they are 4 times the size of dw.
void winograd_accumulate(const ConvSpec& spec, int images, const float* x, const float* dy, float* sums,
                         void* scratch);
// sums -> one part of dw [K,C,3,3].
void winograd_finish_weights(const ConvSpec& spec, int part, const float* sums, float* dw);

}  // namespace rlnas
