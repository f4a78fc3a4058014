// What the processes of a run, its ranks, need from each other. All of it moves host memory and blocks;
// device memory goes through a GradientExchange. Every rank makes the same calls in the same order. Twins:
// SingleProcess below, tcp_communicator.h (torchrun-style variables), mpi_communicator.h (mpirun).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

namespace rlnas {

class Device;
class GradientExchange;

// Where this process stands among the ranks.
struct RankPlace {
  int rank = 0;
  int size = 1;
  int local_rank = 0;  // among those of this machine
  int local_size = 1;
};

class Communicator {
 public:
  explicit Communicator(const RankPlace& place) : place_(place) {}
  virtual ~Communicator() = default;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  const RankPlace& place() const { return place_; }
  int rank() const { return place_.rank; }
  int size() const { return place_.size; }

  // One line for logs: "rank 0 of 2, by MPI".
  virtual std::string description() const = 0;
  // The step that calls belong to from here on, for messages.
  void begin_step(std::int64_t step) { step_ = step; }
  std::int64_t step() const { return step_; }  // 0: before the first

  // `what` names the operation in messages. Errors: communication when a rank is gone, or when nothing moves
  // for as long as the run allows.
  // values [count] <- the sums over ranks. Determinism: ((rank 0 + rank 1) + rank 2) + ..., the same bits on
  // every rank.
  virtual void all_reduce_sum(float* values, std::size_t count, const char* what) = 0;
  // data [bytes] of rank 0, to all.
  virtual void broadcast(void* data, std::size_t bytes, const char* what) = 0;
  // all [size, bytes] <- mine [bytes] of every rank, which must be as long everywhere.
  virtual void all_gather(const void* mine, std::size_t bytes, void* all, const char* what) = 0;

  // How the gradients of `device`, which must outlive it, are averaged over ranks; null for a single one.
  virtual std::unique_ptr<GradientExchange> make_gradient_exchange(Device& device) = 0;

  void barrier(const char* what) { gather_values(char{0}, what); }

  template <class T>
  std::vector<T> gather_values(const T& mine, const char* what) {
    static_assert(std::is_trivially_copyable_v<T>);
    std::vector<T> all(static_cast<std::size_t>(size()));
    all_gather(&mine, sizeof(T), all.data(), what);
    return all;
  }
  template <class T>
  void broadcast_value(T& value, const char* what) {
    static_assert(std::is_trivially_copyable_v<T>);
    broadcast(&value, sizeof(T), what);
  }
  // A vector or string; the others' take the length of rank 0's.
  template <class Container>
  void broadcast_all(Container& items, const char* what) {
    std::uint64_t count = items.size();
    broadcast_value(count, what);
    items.resize(std::size_t(count));
    broadcast(items.data(), items.size() * sizeof(*items.data()), what);
  }

 private:
  RankPlace place_;
  std::int64_t step_ = 0;
};

class SingleProcess final : public Communicator {
 public:
  SingleProcess() : Communicator({}) {}
  std::string description() const override { return "one process"; }
  void all_reduce_sum(float*, std::size_t, const char*) override {}  // the sum over one rank is what it has
  void broadcast(void*, std::size_t, const char*) override {}
  void all_gather(const void* mine, std::size_t bytes, void* all, const char*) override {
    if (bytes > 0) std::memcpy(all, mine, bytes);
  }
  std::unique_ptr<GradientExchange> make_gradient_exchange(Device&) override;
};

}  // namespace rlnas
