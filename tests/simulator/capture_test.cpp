// Capturing, updating and replaying graphs in the simulated runtime: what CUDA's documentation promises, and
// what it refuses.
#include "kernels/cuda/cuda_handles.h"
#include "tests/simulator/simulated.h"
#include "tests/simulator/stream.h"

namespace rlnas::simulator {
namespace {

using test::on_simulated_device;

constexpr int kCount = 100;
constexpr std::size_t kBytes = kCount * sizeof(float);

#define CHECK_CUDA(call) CHECK((call) == cudaSuccess)

struct Floats : DeviceMemory {
  Floats() : DeviceMemory(kBytes) {}
  float* floats() const { return reinterpret_cast<float*>(data()); }
};

// Stands for a kernel.
void launch_add(const CudaStream& stream, float* x, float value) {
  enqueue(stream.get(), "add", [=] {
    for (int i = 0; i < kCount; ++i) x[i] += value;
  });
}

cudaGraph_t captured(const CudaStream& stream, const std::function<void()>& work) {
  CHECK_CUDA(cudaStreamBeginCapture(stream.get(), cudaStreamCaptureModeRelaxed));
  work();
  cudaGraph_t graph = nullptr;
  CHECK_CUDA(cudaStreamEndCapture(stream.get(), &graph));
  return graph;
}

std::vector<float> values_of(const Floats& x, const CudaStream& stream) {
  std::vector<float> host(kCount);
  CHECK_CUDA(cudaMemcpyAsync(host.data(), x.data(), kBytes, cudaMemcpyDeviceToHost, stream.get()));
  return host;
}

}  // namespace

TEST_CASE("an updated graph does the new thing, and what was launched before the old") {
  for (const Policy policy : kPolicies) {
    on_simulated_device({.policy = policy}, [] {
      const CudaStream stream;
      const Floats x, y;
      CHECK_CUDA(cudaMemsetAsync(x.data(), 0, kBytes, stream.get()));
      CHECK_CUDA(cudaMemsetAsync(y.data(), 0, kBytes, stream.get()));
      const auto both = [&](const Floats& to, float value) {
        return captured(stream, [&] {
          launch_add(stream, to.floats(), value);
          launch_add(stream, to.floats(), value);
        });
      };
      const cudaGraph_t first = both(x, 1.0f), second = both(y, 10.0f);
      std::size_t nodes = 0;
      CHECK_CUDA(cudaGraphGetNodes(first, nullptr, &nodes));
      CHECK(nodes == 2);
      cudaGraphExec_t executable = nullptr;
      CHECK_CUDA(cudaGraphInstantiate(&executable, first, 0));
      CHECK_CUDA(cudaGraphLaunch(executable, stream.get()));
      cudaGraphExecUpdateResultInfo info;
      CHECK_CUDA(cudaGraphExecUpdate(executable, second, &info));
      CHECK(info.result == cudaGraphExecUpdateSuccess);
      CHECK_CUDA(cudaGraphLaunch(executable, stream.get()));
      CHECK(values_of(x, stream) == std::vector<float>(kCount, 2.0f));
      CHECK(values_of(y, stream) == std::vector<float>(kCount, 20.0f));
      CHECK_CUDA(cudaGraphDestroy(first));
      CHECK_CUDA(cudaGraphDestroy(second));
      CHECK_CUDA(cudaGraphExecDestroy(executable));
      CHECK(usage().graph_instantiations == 1);
      CHECK(usage().graph_updates == 1);
      CHECK(usage().captures == 2);
    });
  }
}

TEST_CASE("a graph of other nodes or other edges does not update an executable one") {
  on_simulated_device({}, [] {
    const CudaStream stream, side;
    const CudaEvent forked, joined;
    const Floats x, y;
    const auto in_line = [&] {
      launch_add(stream, x.floats(), 1.0f);
      launch_add(stream, y.floats(), 1.0f);
    };
    const cudaGraph_t graph = captured(stream, in_line);
    cudaGraphExec_t executable = nullptr;
    CHECK_CUDA(cudaGraphInstantiate(&executable, graph, 0));
    CHECK_CUDA(cudaGraphDestroy(graph));
    const auto refused = [&](const std::function<void()>& work) {
      const cudaGraph_t other = captured(stream, work);
      cudaGraphExecUpdateResultInfo info;
      CHECK(cudaGraphExecUpdate(executable, other, &info) == cudaErrorGraphExecUpdateFailure);
      CHECK(cudaGetLastError() == cudaErrorGraphExecUpdateFailure);
      CHECK_CUDA(cudaGraphDestroy(other));
      return info.result;
    };
    CHECK(refused([&] { launch_add(stream, x.floats(), 1.0f); }) == cudaGraphExecUpdateErrorTopologyChanged);
    CHECK(refused([&] {
            launch_add(stream, x.floats(), 1.0f);
            CHECK_CUDA(cudaMemsetAsync(y.data(), 0, kBytes, stream.get()));
          }) == cudaGraphExecUpdateErrorNodeTypeChanged);
    CHECK(refused([&] {
            forked.record(stream.get());
            forked.hold_back(side.get());
            launch_add(stream, x.floats(), 1.0f);
            launch_add(side, y.floats(), 1.0f);
            joined.record(side.get());
            joined.hold_back(stream.get());
          }) == cudaGraphExecUpdateErrorTopologyChanged);
    CHECK(usage().graph_updates == 0);
    CHECK_CUDA(cudaGraphExecDestroy(executable));
  });
}

TEST_CASE("what may not happen while a stream is captured is refused and spoils the capture") {
  struct Forbidden {
    const char* what;
    cudaError_t error;
    std::function<cudaError_t(const CudaStream& captured)> call;
    bool in_relaxed_capture;  // forbidden there too?
  };
  on_simulated_device({}, [] {
    const CudaStream main, side;
    const Floats x;
    cudaEvent_t other = nullptr;
    CHECK_CUDA(cudaEventCreateWithFlags(&other, cudaEventDisableTiming));
    CHECK_CUDA(cudaEventRecord(other, side.get()));
    std::vector<float> pageable(kCount);
    void* block = nullptr;
    const Forbidden calls[] = {
        {"wait for the stream", cudaErrorStreamCaptureUnsupported,
         [](const CudaStream& stream) { return cudaStreamSynchronize(stream.get()); }, true},
        {"wait for the device", cudaErrorStreamCaptureUnsupported,
         [](const CudaStream&) { return cudaDeviceSynchronize(); }, true},
        {"allocate", cudaErrorStreamCaptureUnsupported,
         [&](const CudaStream&) {
           const cudaError_t error = cudaMalloc(&block, 100);
           if (error == cudaSuccess) cudaFree(block);
           return error;
         },
         false},
        {"wait for an event from outside", cudaErrorStreamCaptureIsolation,
         [&](const CudaStream& stream) { return cudaStreamWaitEvent(stream.get(), other, 0); }, true},
        {"copy pageable memory", cudaErrorStreamCaptureUnsupported,
         [&](const CudaStream& stream) {
           return cudaMemcpyAsync(x.data(), pageable.data(), kBytes, cudaMemcpyHostToDevice, stream.get());
         },
         true},
    };
    for (const Forbidden& forbidden : calls) {
      for (const cudaStreamCaptureMode mode : {cudaStreamCaptureModeGlobal, cudaStreamCaptureModeRelaxed}) {
        CAPTURE(std::string(forbidden.what));
        CAPTURE(int(mode));
        const bool expected = forbidden.in_relaxed_capture || mode != cudaStreamCaptureModeRelaxed;
        CHECK_CUDA(cudaStreamBeginCapture(main.get(), mode));
        launch_add(main, x.floats(), 1.0f);
        CHECK(forbidden.call(main) == (expected ? forbidden.error : cudaSuccess));
        const cudaError_t after = expected ? cudaErrorStreamCaptureInvalidated : cudaSuccess;
        CHECK(cudaMemsetAsync(x.data(), 0, kBytes, main.get()) == after);
        cudaGraph_t graph = nullptr;
        CHECK(cudaStreamEndCapture(main.get(), &graph) == after);
        CHECK((graph == nullptr) == expected);
        if (graph != nullptr) CHECK_CUDA(cudaGraphDestroy(graph));
        CHECK_CUDA(cudaStreamSynchronize(main.get()));
        cudaGetLastError();
      }
    }
    CHECK_CUDA(cudaEventDestroy(other));
  });
}

TEST_CASE("a stream that joined a capture must be waited for before it ends") {
  on_simulated_device({}, [] {
    const CudaStream main, side;
    const CudaEvent event;
    CHECK_CUDA(cudaStreamBeginCapture(main.get(), cudaStreamCaptureModeGlobal));
    event.record(main.get());
    event.hold_back(side.get());
    enqueue(side.get(), "never waited for", [] {});
    cudaGraph_t graph = nullptr;
    CHECK(cudaStreamEndCapture(main.get(), &graph) == cudaErrorStreamCaptureUnjoined);
    CHECK(graph == nullptr);
    CHECK_CUDA(cudaStreamSynchronize(main.get()));
  });
}

}  // namespace rlnas::simulator
