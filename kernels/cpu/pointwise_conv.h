// 1x1 convolutions of stride 1: a product of matrices, whose rows are all the pixels of the batch.
//
// The images' borders mean nothing to them, so a chunk is a number of pixels, of a part of an image or of
// several, and always fits the cache; and their channels are few, which general kernels are not made for.
#pragma once

#include <memory>

#include "kernels/cpu/chunked_conv.h"

namespace rlnas {

// The result's spec has the same pixels as many small images. Null for other convolutions.
std::unique_ptr<ChunkedConv> make_pointwise_conv(const ConvSpec& spec, ConvPass pass);

}  // namespace rlnas
