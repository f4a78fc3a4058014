// Random numbers made on the device: those that the host would draw from the same stream. Beyond what Backend
// asks for; in philox.cu, for callers that are plain C++. Asynchronous on the stream.
#pragma once

#include <cstdint>

#include "kernels/cuda/gpu_stream.h"
#include "kernels/philox4x32.h"

namespace rlnas {

// y [count], on a multiple of 16 bytes
void philox_words(const PhiloxStream& random, std::size_t count, std::uint32_t* y, GpuStream stream);
// low + (high - low) * uniform over [0, 1)
void philox_uniform(const PhiloxStream& random, float low, float high, std::size_t count, float* y,
                    GpuStream stream);

}  // namespace rlnas
