// What the files of the simulator share: options, counters, the error that sticks, and how misuse ends a
// program.
#pragma once

#include <cuda_runtime_api.h>

#include <mutex>
#include <random>

#include "tests/simulator/simulator.h"
#include "tests/simulator/work_log.h"

namespace rlnas::simulator {

inline constexpr int kMostDevices = 8;

// Of one device.
struct Errors {
  cudaError_t last = cudaSuccess;    // what cudaGetLastError reports
  cudaError_t sticky = cudaSuccess;  // of work that failed on the device; every call reports it
};

struct State {
  Options options;
  Usage usage;  // of all devices
  Errors errors[kMostDevices];
  std::mt19937_64 random;
  std::int64_t step = 0;  // see begin_step()
  std::vector<Work> work_log;
  std::recursive_mutex mutex;
};
State& state();

// The device that the calling thread uses: each has its own streams and errors, and is used by one thread.
int& current_device();
inline Errors& errors() {
  return state().errors[current_device()];
}

// Ends the program with a message, for what a real device would answer by silence or by garbage.
[[noreturn]] void misuse(const std::string& what);

// Adds a line to the work log. The device's memory must be accessible.
void write_down(const Work& work);

// Counts a call that could fail and says whether this one must.
bool fails(Call kind);

// Remembers an error for cudaGetLastError and returns it.
cudaError_t report(cudaError_t error);

// cudaSuccess, or why no call can succeed: no driver, no device, or work that failed before.
cudaError_t device_status();

inline bool counting() {
  return state().options.execution == Execution::counted;
}

// The start of every cudart call: takes the lock, and `status` when the device is in order.
class Entry {
 public:
  Entry() : lock_(state().mutex) {}
  // Is there a reason that this call must not go on? Reports it.
  bool refused(cudaError_t& error) const;
  bool refused(cudaError_t& error, Call kind, cudaError_t injected) const;

 private:
  std::lock_guard<std::recursive_mutex> lock_;
};

}  // namespace rlnas::simulator
