// Kernels over flat arrays: a thread takes Width neighbours, the ragged end goes one by one.
#pragma once

#include "kernels/cuda/pack.cuh"

namespace rlnas {

inline constexpr int kFlatThreads = 256;

// Calls visit(first element, constant width) once a thread: Width elements, or at the ragged end one by one.
template <int Width, class Visit>
__device__ __forceinline__ void visit_flat(std::int64_t count, const Visit& visit) {
  const std::int64_t begin = (std::int64_t(blockIdx.x) * blockDim.x + threadIdx.x) * Width;
  if (begin + Width <= count) {
    visit(begin, std::integral_constant<int, Width>{});
  } else {
    for (std::int64_t i = begin; i < count; ++i) visit(i, std::integral_constant<int, 1>{});
  }
}

// ---- on the host ----
// Calls body(a value of the element type, constant width) for arrays that begin at these pointers.
template <class Body>
void with_flat_packs(Element element, std::initializer_list<const void*> pointers, const Body& body) {
  with_element(element, [&](auto zero) {
    constexpr int kMost = kVectorWidthOf<decltype(zero)>;
    with_width<kMost>(flat_width(pointers, kMost), [&](auto constant) { body(zero, constant); });
  });
}

inline LaunchShape flat_shape(const char* kernel, std::size_t count, int width) {
  return {{grid_blocks(kernel, count, std::size_t(kFlatThreads) * std::size_t(width))},
          {unsigned(kFlatThreads)},
          Cooperation::independent};
}

}  // namespace rlnas
