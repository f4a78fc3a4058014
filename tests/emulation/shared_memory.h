// Shared memory of the block that runs: every access is checked for bounds, for a race and for having been
// written. The race check is exact and does not depend on the schedule: two accesses of one element by
// different threads, one of them a write, need a __syncthreads between them, or a __syncwarp of the whole
// warp when both threads are of that warp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/emulation/emulator.h"

namespace rlnas::emulation {

// Who touched one element since the last __syncthreads. Warp epochs count the whole-warp __syncwarps.
struct ElementHistory {
  struct Access {
    int thread = -1;
    std::uint32_t warp_epoch = 0;
  };
  std::uint32_t block_epoch = 0;
  Access writer, last_reader, other_reader;  // other_reader: the latest that is not last_reader
  bool read_by_several_warps = false;
  bool written_ever = false;
};

struct SharedArray {
  const void* key;  // tells the arrays of a kernel apart
  std::string name;
  std::size_t count = 0;
  std::unique_ptr<std::byte[]> memory;
  std::vector<ElementHistory> history;
};

enum class Access { read, write };

// The array of that key in the block that runs, made on first use. Errors: Fault past 48 KiB a block.
SharedArray& shared_array(const void* key, const char* name, std::size_t count, std::size_t element_bytes,
                          const Site& site);
// Errors: Fault when the access is out of bounds, races or reads what nobody wrote.
void check_bounds(const SharedArray& array, std::ptrdiff_t at, const Site& site);
void check_access(SharedArray& array, std::size_t at, Access access, const Site& site);

// An index with the source line that it stands in.
struct SharedIndex {
  std::ptrdiff_t at;
  Site site;
  template <class Integer>
  SharedIndex(Integer index, const Site& where = Site::current()) : at(std::ptrdiff_t(index)), site(where) {}
};

template <class T>
class SharedElement {
 public:
  SharedElement(SharedArray& array, std::ptrdiff_t at, const Site& site)
      : array_(array), at_(std::size_t(at)), site_(site) {
    check_bounds(array, at, site);
  }
  SharedElement(const SharedElement&) = default;

  operator T() const {
    check_access(array_, at_, Access::read, site_);
    return *value();
  }
  SharedElement& operator=(T other) {
    check_access(array_, at_, Access::write, site_);
    *value() = other;
    return *this;
  }
  SharedElement& operator=(const SharedElement& other) { return *this = T(other); }
  SharedElement& operator+=(T other) { return *this = T(T(*this) + other); }

 private:
  T* value() const { return reinterpret_cast<T*>(array_.memory.get()) + at_; }

  SharedArray& array_;
  std::size_t at_;
  Site site_;
};

}  // namespace rlnas::emulation

namespace rlnas {

template <class T>
class SharedPointer {
 public:
  explicit SharedPointer(emulation::SharedArray& array, std::ptrdiff_t offset = 0)
      : array_(&array), offset_(offset) {}

  emulation::SharedElement<T> operator[](emulation::SharedIndex index) const {
    return {*array_, offset_ + index.at, index.site};
  }
  SharedPointer operator+(std::ptrdiff_t by) const { return SharedPointer(*array_, offset_ + by); }

 private:
  emulation::SharedArray* array_;
  std::ptrdiff_t offset_;
};

}  // namespace rlnas
