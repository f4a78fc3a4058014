// The kernels by themselves: a device, memory on it, and a run() for every primitive of rlnas/primitives.hpp,
// each with its cost on paper. For performance studies, and for angles of weights that lie anywhere.
//
//   rlnas::kernels::Device device({.name = "cpu", .threads = 4});
//   const rlnas::ConvSpec spec{.batch = 64, .in_channels = 16, .in_height = 32, .in_width = 32,
//                              .out_channels = 16, .kernel = 3, .padding = 1};
//   rlnas::kernels::Buffer x(device, 4 * spec.in_count()), w(device, 4 * spec.weight_count()),
//       y(device, 4 * spec.out_count());
//   const rlnas::ConvForward call{spec, x.as<float>(), w.as<float>(), y.as<float>()};
//   const double ms = rlnas::kernels::times_ms(device, call, 10).front();  // call.cost().flops, .bytes
//
// Errors: every function throws rlnas::Error; device for what the machine lacks, run_failed for a call that
// describes no such problem. Pointers in a call are not checked.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "rlnas/device_config.hpp"
#include "rlnas/error.hpp"
#include "rlnas/primitives.hpp"
#include "rlnas/recorded_call.hpp"

namespace rlnas::kernels {

struct DeviceState;

// Any struct of rlnas/primitives.hpp.
template <class T>
concept Primitive = requires(const T& call) {
  T::kName;
  call.cost();
};

// What computes. A handle: copies are the same device, which lives as long as one of them or of its buffers.
// Used by one thread at a time; a CUDA device by the thread that made it.
class RLNAS_API Device {
 public:
  // stream: on a CUDA device the caller's own cudaStream_t, which all work goes to and which outlives the
  // device; null: one of its own. Errors: usage for a name that is none; device for one that cannot be had.
  explicit Device(const DeviceConfig& config = {}, void* stream = nullptr);

  std::string description() const;  // "cpu: 2 threads, oneDNN 2.6.3 (AVX2)"
  bool uses_host_memory() const;    // so that pointers of the host's are its own
  void* stream() const;             // a cudaStream_t; null without one

  // Runs one call, with scratch memory that the device keeps. Async: on a CUDA device queued on the stream.
  // Determinism: bit-equal for any number of threads.
  template <Primitive P>
  void run(const P& call);
  template <Primitive P>
  std::size_t scratch_bytes(const P& call);  // that run() will keep for it
  void synchronize();

  DeviceState& state() const { return *state_; }  // for the library itself

 private:
  friend class Buffer;
  std::shared_ptr<DeviceState> state_;
};

// A block of a device's memory, 64-byte aligned, contents undefined.
class RLNAS_API Buffer {
 public:
  Buffer(const Device& device, std::size_t bytes);
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer();

  std::size_t bytes() const { return bytes_; }
  template <class T>
  T* as() const {
    return static_cast<T*>(data_);
  }
  // Both wait for the device. Errors: usage for what lies beyond the end.
  void upload(const void* host, std::size_t bytes, std::size_t offset = 0);
  void download(void* host, std::size_t bytes, std::size_t offset = 0) const;

 private:
  std::shared_ptr<DeviceState> state_;
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

// Milliseconds of each of `repeats` runs, one after the other, after one that is not counted.
template <Primitive P>
std::vector<double> times_ms(Device& device, const P& call, int repeats) {
  std::vector<double> times;
  for (int i = -1; i < repeats; ++i) {
    device.synchronize();
    const auto start = std::chrono::steady_clock::now();
    device.run(call);
    device.synchronize();
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    if (i >= 0) times.push_back(took.count());
  }
  return times;
}

// ---- angles of weights in the caller's memory

// A tensor of a float array.
struct TensorSpan {
  std::int64_t offset = 0;  // of its first element, in floats
  std::int64_t count = 0;   // elements
};

// Which elements of two arrays belong together; made once, and used for as many arrays as one likes.
class RLNAS_API AngleTable {
 public:
  // Errors: usage for a negative offset or count.
  AngleTable(const Device& device, std::span<const TensorSpan> tensors);
  ~AngleTable();
  AngleTable(AngleTable&&) noexcept;
  AngleTable& operator=(AngleTable&&) noexcept;

  int size() const;  // tensors
  // Of one w0 and up to TakeAngleSums::kMaxCheckpoints w1, each read once, at the device's own addresses, of
  // any alignment; of a tensor of no element zeros. Shapes: sums [w1.size(), size()], on the device. Async:
  // as run().
  void queue(const float* w0, std::span<const float* const> w1, AngleSums* sums);
  // The same for one w1; waits.
  std::vector<AngleSums> sums(const float* w0, const float* w1);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// arccos(w0.w1 / (|w0| |w1|)) of a tensor's sums, or of those of several added up; 0..pi. Units: radians.
RLNAS_API double angle_rad(const AngleSums& sums);

}  // namespace rlnas::kernels
