// A device apart from what it computes: its memory, the order of work on it, and results that come back.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace rlnas {

enum class Direction { forward, backward };

// A place on the host for a small result of the device, so that it can be read some steps after it was
// queued.
class Readback {
 public:
  virtual ~Readback() = default;
  // Async: takes the value as it is at this point of the compute stream.
  virtual void start(const void* device) = 0;
  // Waits for the value started last, which stays until the next start.
  virtual const void* wait() = 0;
  // Whether start() returns before the value is there.
  virtual bool is_asynchronous() const = 0;
};

class Device {
 public:
  virtual ~Device() = default;
  Device() = default;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  // One line for logs: "cpu: 2 threads, oneDNN 2.6.3 (AVX2)".
  virtual std::string description() const = 0;

  // 64-byte aligned, contents undefined. Errors: device when there is no memory.
  virtual void* allocate(std::size_t bytes) = 0;
  virtual void release(void* memory) noexcept = 0;
  virtual void upload(void* device, const void* host, std::size_t bytes) = 0;
  virtual void download(void* host, const void* device, std::size_t bytes) = 0;  // waits for the result
  virtual void synchronize() = 0;
  // Where the host can read this memory as it is; null: it has to be downloaded.
  virtual const void* host_view(const void* /*device*/) { return nullptr; }
  // For results of `bytes`; the device must outlive it. The default downloads at once.
  virtual std::unique_ptr<Readback> make_readback(std::size_t bytes);

  // The calls that follow belong to this stage of the network and this pass through it. Profilers care, and
  // the CUDA backend, which may queue a stage as one graph. `name`: a string literal.
  virtual void begin_stage(const char* /*name*/, Direction /*direction*/) {}
  // The compute stream as the device's own libraries know it (a cudaStream_t); null without one.
  virtual void* native_stream() { return nullptr; }
};

}  // namespace rlnas
