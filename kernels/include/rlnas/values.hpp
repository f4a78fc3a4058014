// Activations and their gradients as operands of a primitive: a pointer, and what it points at. They may lie
// in memory as bfloat16, half the bytes to move; arithmetic is in float all the same. A float* is taken as it
// is, and given where one is wanted, so that only those who store bfloat16 need to know.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "rlnas/error.hpp"

namespace rlnas {

// The upper half of a float, rounded to nearest even.
struct Bf16 {
  std::uint16_t bits;
};

// As wide as a pointer, so that Values have no bytes that say nothing.
enum class Element : std::uintptr_t { f32, bf16 };

constexpr std::size_t size_of(Element element) {
  return element == Element::bf16 ? sizeof(Bf16) : sizeof(float);
}

template <class E>
inline constexpr Element kElementOf = std::is_same_v<E, Bf16> ? Element::bf16 : Element::f32;

[[noreturn]] RLNAS_API void refuse_element(Element given);

// As they are written. Errors of as() and of the conversion: run_failed where the values are of the other
// type; a null pointer is of both.
class Values {
 public:
  constexpr Values(std::nullptr_t = nullptr) {}
  constexpr Values(float* data) : data_(data) {}
  constexpr Values(Bf16* data) : data_(data), element_(Element::bf16) {}
  constexpr Values(void* data, Element element) : data_(data), element_(element) {}

  constexpr void* data() const { return data_; }
  constexpr Element element() const { return element_; }
  template <class E>
  E* as() const {
    if (element_ != kElementOf<E> && data_ != nullptr) refuse_element(element_);
    return static_cast<E*>(data_);
  }
  operator float*() const { return as<float>(); }

  friend Values operator+(Values from, std::ptrdiff_t elements) {
    if (from.data_ == nullptr) return from;
    return {static_cast<char*>(from.data_) + elements * std::ptrdiff_t(size_of(from.element_)),
            from.element_};
  }
  friend constexpr bool operator==(const Values& a, const Values& b) { return a.data_ == b.data_; }
  friend constexpr bool operator==(const Values& a, std::nullptr_t) { return a.data_ == nullptr; }

 private:
  void* data_ = nullptr;
  Element element_ = Element::f32;
};

// As they are read; the same otherwise.
class ConstValues {
 public:
  constexpr ConstValues(std::nullptr_t = nullptr) {}
  constexpr ConstValues(const float* data) : data_(data) {}
  constexpr ConstValues(const Bf16* data) : data_(data), element_(Element::bf16) {}
  constexpr ConstValues(const void* data, Element element) : data_(data), element_(element) {}
  constexpr ConstValues(const Values& values) : data_(values.data()), element_(values.element()) {}

  constexpr const void* data() const { return data_; }
  constexpr Element element() const { return element_; }
  template <class E>
  const E* as() const {
    if (element_ != kElementOf<E> && data_ != nullptr) refuse_element(element_);
    return static_cast<const E*>(data_);
  }
  operator const float*() const { return as<float>(); }

  friend ConstValues operator+(ConstValues from, std::ptrdiff_t elements) {
    if (from.data_ == nullptr) return from;
    return {static_cast<const char*>(from.data_) + elements * std::ptrdiff_t(size_of(from.element_)),
            from.element_};
  }
  friend constexpr bool operator==(const ConstValues& a, const ConstValues& b) { return a.data_ == b.data_; }
  friend constexpr bool operator==(const ConstValues& a, std::nullptr_t) { return a.data_ == nullptr; }

 private:
  const void* data_ = nullptr;
  Element element_ = Element::f32;
};

constexpr float float_of(Bf16 value) {
  return std::bit_cast<float>(std::uint32_t{value.bits} << 16);
}

constexpr Bf16 bf16_of(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  constexpr std::uint32_t kQuietNan = 0x40;  // else cutting a NaN could leave an infinity
  if (value != value) return {std::uint16_t((bits >> 16) | kQuietNan)};
  return {std::uint16_t((bits + 0x7FFF + (bits >> 16 & 1)) >> 16)};
}

}  // namespace rlnas
