// One block of a launch: its threads as fibers, its barriers and warp operations, its shared memory.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <list>
#include <optional>
#include <vector>

#include "tests/emulation/fiber.h"
#include "tests/emulation/ready_queue.h"
#include "tests/emulation/shared_memory.h"

namespace rlnas::emulation {

enum class WarpOperation { sync, shuffle, shuffle_down, shuffle_xor, ballot };

struct WarpRequest {
  WarpOperation operation;
  unsigned mask;
  int argument = 0;
  std::uint64_t value = 0;  // what the lane brings
  std::uint64_t result = 0;
  Site site;
};

struct LaunchInfo {
  const char* kernel;
  LaunchShape shape;
  const std::function<void()>* thread_body;
};

class BlockRun {
 public:
  // Runs all threads of the block. Errors: Fault, or what the kernel threw.
  void run(const LaunchInfo& launch, Extent block_index, Random& random);

  // From inside a thread.
  void barrier(const Site& site);
  void warp_operation(WarpRequest& request);
  SharedArray& shared_array(const void* key, const char* name, std::size_t count, std::size_t element_bytes,
                            const Site& site);
  void check_access(SharedArray& array, std::size_t at, Access access, const Site& site) const;
  [[noreturn]] void fault(const Site& site, const std::string& what) const;

  // "kernel k, block (1,0,0), thread (3,0,0)"; empty while nothing runs.
  std::string where() const;

 private:
  enum class State { ready, at_barrier, in_warp_operation, done };
  struct Thread {
    State state = State::ready;
    Site site;  // where it waits
    WarpRequest* request = nullptr;
  };

  struct Warp {
    unsigned present = 0, waiting = 0, exited = 0;  // lanes; waiting: in a warp operation
    std::uint32_t epoch = 1;                        // counts the whole-warp __syncwarps
  };

  void run_independent(Random& random);
  void run_fibers();
  static void run_thread(int thread);
  void become(int thread);
  void wait(State state, const Site& site);
  void make_ready(int thread);
  void release_barrier();
  void try_complete_warp_operation(const WarpRequest& request);
  void check_mask(const WarpRequest& request) const;
  void exchange(int warp_begin, unsigned mask);
  Warp& warp_of(int thread) { return warps_[std::size_t(thread / kWarpSize)]; }
  const Warp& warp_of(int thread) const { return warps_[std::size_t(thread / kWarpSize)]; }
  bool ordered(const ElementHistory::Access& earlier) const;
  std::string name_of(int thread) const;
  std::string place() const;
  std::string describe_deadlock() const;
  void require_cooperation(const Site& site, const char* what) const;

  const LaunchInfo* launch_ = nullptr;
  Extent block_index_;
  int threads_ = 0, current_ = -1, alive_ = 0, at_barrier_ = 0;
  std::uint32_t block_epoch_ = 1;
  std::vector<Warp> warps_;
  std::vector<Thread> states_;
  std::vector<int> order_;  // of independent threads
  std::optional<ReadyQueue> ready_;
  std::exception_ptr failure_;
  std::list<SharedArray> shared_;
  std::size_t shared_bytes_ = 0;
  FiberPool fibers_;
};

BlockRun& block_run();  // the one machine: kernels run one block at a time

}  // namespace rlnas::emulation
