// What kernels may use of a GPU, on the CPU: the twin of kernels/cuda/nvcc/gpu_runtime.cuh for g++. CUDA's
// own names live in namespace rlnas here, where the kernels find them first, so that CUDA's headers may be
// included beside these.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "tests/emulation/block_run.h"
#include "tests/emulation/thread_index.h"

#undef __global__
#undef __device__
#undef __host__
#undef __forceinline__
#undef __launch_bounds__
#define __global__ inline
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)

#define RLNAS_UNROLL

#define RLNAS_SHARED(type, name, count)                                     \
  static const char name##_key = 0;                                         \
  const ::rlnas::SharedPointer<type> name(::rlnas::emulation::shared_array( \
      &name##_key, #name, std::size_t(count), sizeof(type), ::rlnas::emulation::Site::current()))

namespace rlnas {

struct alignas(16) float4 {
  float x, y, z, w;
};
struct alignas(8) uint2 {
  unsigned x, y;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
inline float4 make_float4(float x, float y, float z, float w) {
  return {x, y, z, w};
}
inline uint2 make_uint2(unsigned x, unsigned y) {
  return {x, y};
}
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) {
  return {x, y, z, w};
}

inline void __syncthreads(const emulation::Site& site = emulation::Site::current()) {
  emulation::block_run().barrier(site);
}

inline constexpr unsigned kEveryLane = 0xFFFFFFFFu;

inline void __syncwarp(unsigned mask = kEveryLane, const emulation::Site& site = emulation::Site::current()) {
  emulation::WarpRequest request{.operation = emulation::WarpOperation::sync, .mask = mask, .site = site};
  emulation::block_run().warp_operation(request);
}

namespace emulation {

template <class T>
T exchange(WarpOperation operation, unsigned mask, T value, int argument, const Site& site) {
  static_assert(sizeof(T) <= sizeof(std::uint64_t));
  WarpRequest request{.operation = operation, .mask = mask, .argument = argument, .site = site};
  std::memcpy(&request.value, &value, sizeof(T));
  block_run().warp_operation(request);
  std::memcpy(&value, &request.result, sizeof(T));
  return value;
}

}  // namespace emulation

template <class T>
T __shfl_sync(unsigned mask, T value, int lane, const emulation::Site& site = emulation::Site::current()) {
  return emulation::exchange(emulation::WarpOperation::shuffle, mask, value, lane, site);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned by,
                   const emulation::Site& site = emulation::Site::current()) {
  return emulation::exchange(emulation::WarpOperation::shuffle_down, mask, value, int(by), site);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int with,
                  const emulation::Site& site = emulation::Site::current()) {
  return emulation::exchange(emulation::WarpOperation::shuffle_xor, mask, value, with, site);
}
inline unsigned __ballot_sync(unsigned mask, int predicate,
                              const emulation::Site& site = emulation::Site::current()) {
  return unsigned(
      emulation::exchange(emulation::WarpOperation::ballot, mask, std::uint64_t(predicate != 0), 0, site));
}

// A load through the read-only path. The alignment is checked here, where kernel and thread are known.
template <class T>
T __ldg(const T* from, const emulation::Site& site = emulation::Site::current()) {
  if (reinterpret_cast<std::uintptr_t>(from) % alignof(T) != 0)
    emulation::block_run().fault(site, "misaligned load of " + std::to_string(sizeof(T)) + " bytes");
  return *from;
}

template <class T>
T load_once(const T* from, const emulation::Site& site = emulation::Site::current()) {
  return __ldg(from, site);
}

// Past the first-level cache, of which there is none.
template <class T>
T __ldcg(const T* from, const emulation::Site& site = emulation::Site::current()) {
  return __ldg(from, site);
}

// Blocks run one after the other, threads of a block in turns that end at barriers alone: what is written is
// seen, and nothing comes between reading and writing.
inline void __threadfence() {}
inline unsigned atomicInc(unsigned* at, unsigned limit) {
  const unsigned before = *at;
  *at = before >= limit ? 0 : before + 1;
  return before;
}

inline float __uint_as_float(unsigned bits) {
  return std::bit_cast<float>(bits);
}
inline unsigned __float_as_uint(float value) {
  return std::bit_cast<unsigned>(value);
}

template <class... Params, class... Args>
void launch(const char* name, void (*kernel)(Params...), const LaunchShape& shape, GpuStream stream,
            Args... args) {
  std::vector<const void*> pointers;
  const auto note = [&](const auto& value) {
    if constexpr (std::is_pointer_v<std::remove_cvref_t<decltype(value)>>)
      if (value != nullptr) pointers.push_back(value);
  };
  (note(args), ...);
  emulation::submit(name, shape, stream, std::move(pointers),
                    [kernel, ... values = Params(args)] { kernel(values...); });
}

}  // namespace rlnas
