// Memory that knows which of its pages were read and which were written: pages nobody may touch, and a
// handler of faults that lets the access through and notes it. x86-64 alone says in a fault which access it
// was.
#pragma once

#include <cstddef>
#include <vector>

namespace rlnas::test {

class TouchedMemory {
 public:
  static constexpr std::size_t kPageBytes = 4096;

  TouchedMemory();
  ~TouchedMemory();
  TouchedMemory(const TouchedMemory&) = delete;
  TouchedMemory& operator=(const TouchedMemory&) = delete;

  // Zeros, in pages of their own.
  template <class T>
  T* allocate(std::size_t count) {
    return static_cast<T*>(map(count * sizeof(T)));
  }

  struct Touched {
    std::size_t read_bytes = 0, written_bytes = 0;  // whole pages; one that was written first is not read
  };
  // What of all that was allocated `body` touches. One memory watches at a time.
  template <class Body>
  Touched watch(const Body& body) {
    close();
    body();
    return open();
  }

 private:
  void* map(std::size_t bytes);
  void close();
  Touched open();

  struct Region {
    char* data;
    std::size_t bytes;
  };
  std::vector<Region> regions_;
};

}  // namespace rlnas::test
