// Depthwise convolutions: every channel has a filter of its own.
#pragma once

#include <memory>

#include "kernels/cpu/chunked_conv.h"

namespace rlnas {

// 3x3, 5x5 and 7x7 filters of stride 1 or 2 and dilation 1 or 2 whose padding keeps the size of an image at
// stride 1, any number of channels. Null for everything else.
std::unique_ptr<ChunkedConv> make_depthwise_conv(const ConvSpec& spec, ConvPass pass);

}  // namespace rlnas
