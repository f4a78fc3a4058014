// The CUDA backend with its calls queued as graphs (GraphCapture::stages): what is run between two
// begin_stage calls is kept until the next, or until something has to see it on the stream, and then goes to
// the stream at once as graph_cache.h says.
#pragma once

#include <exception>

#include "kernels/cuda/call_log.h"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/stage.h"
#include "kernels/forwarding_backend.h"

namespace rlnas {

class GraphedBackend final : public ForwardingBackend<GraphedBackend, CudaBackend> {
 public:
  // Errors: as those of CudaBackend.
  explicit GraphedBackend(const CudaOptions& options) : ForwardingBackend(options) {}

  void begin_stage(const char* name, Direction direction) override;
  void* allocate(std::size_t bytes) override;
  void release(void* memory) noexcept override;
  void upload(void* device, const void* host, std::size_t bytes) override;
  void download(void* host, const void* device, std::size_t bytes) override;
  void synchronize() override;
  // With everything on it that was run so far.
  void* native_stream() override;
  std::unique_ptr<Readback> make_readback(std::size_t bytes) override;

  template <class Primitive>
  void take(const Primitive& call, Workspace workspace) {
    calls_.add(call, workspace);
  }

  // Queues what was run so far. Errors: device, also those of a release() before.
  void flush();

 private:
  CallLog calls_;
  Stage stage_;
  int part_ = 0;  // of the stage: how often it was flushed
  std::exception_ptr kept_error_;
};

}  // namespace rlnas
