// What data-parallel ranks need from each other. One process today; NCCL and MPI implement the same
// interface.
#pragma once

#include <cstddef>

namespace rlnas {

class Communicator {
 public:
  virtual ~Communicator() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  // In place, on device memory: every rank gets the mean over ranks. Async: on the compute stream.
  virtual void all_reduce_mean(float* values, std::size_t count) = 0;
};

class SingleProcess final : public Communicator {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  void all_reduce_mean(float*, std::size_t) override {}  // the mean over one rank is what it has
};

}  // namespace rlnas
