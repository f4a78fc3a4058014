// The device of the emulated backend: host memory.
#pragma once

#include <cstddef>

namespace rlnas::emulation {

// Memory from CudaBackend::allocate starts this many bytes past a multiple of 64: 0 unless a test wants
// kernels to meet pointers that vector loads cannot use. Changed only while nothing is allocated.
std::size_t& allocation_offset();

}  // namespace rlnas::emulation
