// A shaped view of one arena block. Copies share the memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "engine/arena.h"
#include "rlnas/spec.hpp"

namespace rlnas {

enum class DType : std::uint8_t { f32, i32, u8, bf16 };

constexpr std::size_t size_of(DType type) {
  return type == DType::u8 ? 1 : type == DType::bf16 ? 2 : 4;
}

// Of activations and their gradients.
constexpr Element element_of(DType type) {
  return type == DType::bf16 ? Element::bf16 : Element::f32;
}
constexpr DType dtype_of(Element element) {
  return element == Element::bf16 ? DType::bf16 : DType::f32;
}

// How the elements lie in memory. One place says it, so that a backend with another order has one place to
// look; today every backend keeps activations channels-last.
enum class Layout : std::uint8_t {
  nhwc,    // [N,H,W,C]
  matrix,  // [N,F], row-major
  flat,    // bytes or a workspace
};

struct Shape {
  std::array<int, 4> dims{1, 1, 1, 1};  // N, H, W, C; a matrix is N, 1, 1, F

  static constexpr Shape image(int n, int h, int w, int c) { return {{n, h, w, c}}; }
  static constexpr Shape matrix(int n, int f) { return {{n, 1, 1, f}}; }
  constexpr std::size_t count() const { return std::size_t(dims[0]) * dims[1] * dims[2] * dims[3]; }
  friend constexpr bool operator==(const Shape&, const Shape&) = default;
};

struct Tensor {
  Shape shape;
  DType dtype = DType::f32;
  Layout layout = Layout::nhwc;
  int variable = -1;  // its gradient's slot on the tape; -1: no gradient is wanted
  // The data is `applied` of the variable: a gradient for the variable must pass back through it.
  Activation applied = Activation::none;
  Buffer buffer;

  explicit operator bool() const { return bool(buffer); }
  int n() const { return shape.dims[0]; }
  int h() const { return shape.dims[1]; }
  int w() const { return shape.dims[2]; }
  int c() const { return shape.dims[3]; }
  int rows() const { return n() * h() * w(); }
  std::size_t count() const { return shape.count(); }
  std::size_t bytes() const { return count() * size_of(dtype); }
  // What a backward pass keeps to send a gradient here: the memory only if the gradient depends on it.
  Tensor for_gradient() const {
    Tensor kept = *this;
    if (applied == Activation::none) kept.buffer = {};
    return kept;
  }
  Values data() const { return {buffer.data(), element_of(dtype)}; }
  template <class T>
  T* data() const {
    return static_cast<T*>(buffer.data());
  }
};

// Activations, their gradients and pixels are nhwc, of the type that a network's input has; whatever else a
// network holds, a matrix or flat, is of floats and whole numbers.
inline Tensor make_tensor(Arena& arena, Shape shape, Layout layout = Layout::nhwc, DType dtype = DType::f32) {
  return {shape, dtype, layout, -1, Activation::none, arena.allocate(shape.count() * size_of(dtype))};
}

// Another of the same shape and type.
inline Tensor make_like(Arena& arena, const Tensor& x) {
  return make_tensor(arena, x.shape, x.layout, x.dtype);
}

// Images made of those of x: as many, of the same type.
inline Tensor make_images(Arena& arena, const Tensor& x, int height, int width, int channels) {
  return make_tensor(arena, Shape::image(x.n(), height, width, channels), Layout::nhwc, x.dtype);
}

}  // namespace rlnas
