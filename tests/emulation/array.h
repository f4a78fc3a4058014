// What tests of single kernels give them to work on, and how they run them.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <new>

#include "engine/philox.h"
#include "kernels/backend.h"
#include "tests/emulation/emulator.h"

namespace rlnas::test {

inline constexpr std::align_val_t kAlignment{64};

// `count` elements in a block of memory of their own, `skip` elements past a 64-byte boundary, that a
// sanitizer watches from the first to the last.
template <class T>
class Array {
 public:
  explicit Array(std::size_t count, std::size_t skip = 0)
      : memory_(static_cast<T*>(operator new((count + skip) * sizeof(T) + (count + skip == 0), kAlignment))),
        data_(memory_ + skip),
        count_(count) {
    std::fill_n(data_, count, T{});
  }
  ~Array() { operator delete(memory_, kAlignment); }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;

  T* data() { return data_; }
  T& operator[](std::size_t i) { return data_[i]; }
  std::size_t size() const { return count_; }
  Workspace workspace() { return {data_, count_ * sizeof(T)}; }

 private:
  T* memory_;
  T* data_;
  std::size_t count_;
};

inline void fill_random(Array<float>& values, const char* name, float low = -1.0f, float high = 1.0f) {
  RandomStream random(11, name);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = low + (high - low) * random.uniform();
}

template <class Body>
void under_all_schedules(const Body& body) {
  for (const emulation::Schedule schedule : emulation::kSchedules) {
    emulation::options().schedule = schedule;
    CAPTURE(int(schedule));
    body();
  }
}

inline constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

}  // namespace rlnas::test
