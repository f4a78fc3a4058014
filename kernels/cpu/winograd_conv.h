// Convolution passes by the Winograd kernels of winograd.h.
#pragma once

#include <memory>

#include "kernels/cpu/chunked_conv.h"

namespace rlnas {

// Null where Winograd does not apply or would not pay.
std::unique_ptr<ChunkedConv> make_winograd_conv(const ConvSpec& spec, ConvPass pass);

}  // namespace rlnas
