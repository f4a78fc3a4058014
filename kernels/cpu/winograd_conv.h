// Convolution passes by the Winograd kernels of winograd.h.
#pragma once

#include <memory>

#include "kernels/cpu/chunked_conv.h"

namespace rlnas {

// Whether a batch is large enough for Winograd to be the faster one. A function of the problem alone, so that
// what `automatic` chooses is the same in every run. Measured against oneDNN with AVX2, 16 to 64 channels, 16
// to 64 images: 1.4 to 2.9 times as fast where a side is a multiple of 4, 1.2 to 2.1 where it is another from
// 6 on, 0.7 to 1.3 at 3 and 5, which only images of 12 and 20 pixels come to. Fewer images are not worth the
// transformed weights; gradients of weights are cut by 16 images, so that fewer than 32 would be one
// thread's.
bool winograd_gains(const ConvSpec& spec, ConvPass pass);

// Null where Winograd does not apply.
std::unique_ptr<ChunkedConv> make_winograd_conv(const ConvSpec& spec, ConvPass pass);

}  // namespace rlnas
