// A captured CUDA graph of a copy, cuDNN, cuBLAS and own kernels on two streams, replayed on new inputs.
#include "engine/philox.h"
#include "kernels/cuda/cublas_gemm.h"
#include "kernels/cuda/cuda_handles.h"
#include "kernels/cuda/cudnn_conv.h"
#include "kernels/cuda/elementwise.cuh"
#include "tests/simulator/simulated.h"

namespace rlnas::test {
namespace {

constexpr ConvSpec kConv = {2, 4, 5, 5, 8, 3, 1, 1, 1, 1};
constexpr LinearSpec kLinear = {2, 100, 3};  // of the same input
constexpr int kReplays = 5;

std::vector<float> random_floats(const std::string& name, std::size_t count) {
  RandomStream random(7, name);
  std::vector<float> values(count);
  for (float& value : values) value = 2.0f * random.uniform() - 1.0f;
  return values;
}

struct Results {
  std::vector<float> conv = std::vector<float>(kConv.out_count());  // sums over all replays
  std::vector<float> linear = std::vector<float>(std::size_t(kLinear.batch) * kLinear.out_features);
};

struct Problem {
  std::vector<float> conv_w = random_floats("conv", kConv.weight_count());
  std::vector<float> linear_w =
      random_floats("linear", std::size_t(kLinear.in_features) * kLinear.out_features);
  std::vector<float> input(int replay) const {
    return random_floats("input " + std::to_string(replay), kConv.in_count());
  }
};

Results expected_results(const Problem& problem) {
  const auto ref = make_ref_backend();
  Results sums, one;
  for (int replay = 0; replay < kReplays; ++replay) {
    const std::vector<float> x = problem.input(replay);
    ref->run(ConvForward{.spec = kConv, .x = x.data(), .w = problem.conv_w.data(), .y = one.conv.data()});
    ref->run(
        LinearForward{.spec = kLinear, .x = x.data(), .w = problem.linear_w.data(), .y = one.linear.data()});
    ref->run(Add{
        .count = one.conv.size(), .x = one.conv.data(), .y = sums.conv.data(), .store = Store::accumulate});
    ref->run(Add{.count = one.linear.size(),
                 .x = one.linear.data(),
                 .y = sums.linear.data(),
                 .store = Store::accumulate});
  }
  return sums;
}

// Floats on the device, with the values of `host`.
struct DeviceFloats {
  DeviceFloats(const std::vector<float>& host, const CudaStream& stream)
      : bytes(host.size() * sizeof(float)), memory(bytes) {
    check_cuda(cudaMemcpyAsync(data(), host.data(), bytes, cudaMemcpyHostToDevice, stream.get()), "upload");
  }
  float* data() const { return reinterpret_cast<float*>(memory.data()); }

  std::size_t bytes;
  DeviceMemory memory;
};

Results replayed_results(const Problem& problem) {
  const CudaStream main, side;
  const CudaEvent forked, joined;
  CudnnConv conv({}, main.get());
  const DeviceMemory gemm_workspace(CublasGemm::kWorkspaceBytes);
  CublasGemm gemm(Precision::fp32, side.get(), {gemm_workspace.data(), CublasGemm::kWorkspaceBytes});
  Results sums;
  const DeviceFloats x(problem.input(0), main), conv_w(problem.conv_w, main),
      linear_w(problem.linear_w, main), conv_y(sums.conv, main), linear_y(sums.linear, main),
      conv_sum(sums.conv, main), linear_sum(sums.linear, main);
  const PinnedMemory input(x.bytes);
  const ConvProblem forward{kConv, ConvPass::forward};
  const std::size_t scratch_bytes = conv.workspace_bytes(forward, Element::f32);
  const DeviceMemory scratch(scratch_bytes);

  check_cuda(cudaStreamBeginCapture(main.get(), cudaStreamCaptureModeThreadLocal), "begin");
  check_cuda(cudaMemcpyAsync(x.data(), input.data(), x.bytes, cudaMemcpyHostToDevice, main.get()), "copy");
  forked.record(main.get());
  forked.hold_back(side.get());
  conv.run(forward, {.x = x.data(), .w = conv_w.data()}, conv_y.data(), {scratch.data(), scratch_bytes});
  launch_add(
      {.count = sums.conv.size(), .x = conv_y.data(), .y = conv_sum.data(), .store = Store::accumulate},
      main.get());
  gemm.multiply(linear_forward_gemm(kLinear), linear_w.data(), x.data(), linear_y.data());
  launch_add(
      {.count = sums.linear.size(), .x = linear_y.data(), .y = linear_sum.data(), .store = Store::accumulate},
      side.get());
  joined.record(side.get());
  joined.hold_back(main.get());
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  check_cuda(cudaStreamEndCapture(main.get(), &graph), "end");
  check_cuda(cudaGraphInstantiate(&executable, graph, 0), "instantiate");
  check_cuda(cudaGraphDestroy(graph), "destroy");

  for (int replay = 0; replay < kReplays; ++replay) {
    const std::vector<float> values = problem.input(replay);
    std::copy(values.begin(), values.end(), reinterpret_cast<float*>(input.data()));
    check_cuda(cudaGraphLaunch(executable, main.get()), "launch");
    main.synchronize();  // the next input goes where this one is read
  }
  for (auto& [host, device] : {std::pair(&sums.conv, &conv_sum), std::pair(&sums.linear, &linear_sum)})
    check_cuda(
        cudaMemcpyAsync(host->data(), device->data(), device->bytes, cudaMemcpyDeviceToHost, main.get()),
        "download");
  check_cuda(cudaGraphExecDestroy(executable), "destroy");
  return sums;
}

double worst_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double worst = a.size() == b.size() ? 0.0 : 1.0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    const double difference = std::abs(double(a[i]) - double(b[i]));
    worst = difference <= worst ? worst : difference;  // a NaN counts
  }
  return worst;
}

}  // namespace

TEST_CASE("a graph of copies, cuDNN, cuBLAS and own kernels on two streams replays under every policy") {
  const Problem problem;
  const Results expected = expected_results(problem);
  for (const simulator::Policy policy : simulator::kPolicies) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      on_simulated_device({.policy = policy, .seed = seed}, [&] {
        const Results got = replayed_results(problem);
        CHECK(worst_difference(got.conv, expected.conv) < 1e-5);
        CHECK(worst_difference(got.linear, expected.linear) < 1e-5);
        CHECK(simulator::usage().graph_launches == kReplays);
      });
    }
  }
}

}  // namespace rlnas::test
