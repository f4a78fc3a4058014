// The whole CUDA backend on the simulated device against the reference, over the case table that drives every
// backend.
#include <bit>

#include "engine/philox.h"
#include "kernels/cuda/cudnn_conv.h"
#include "kernels/cuda/depthwise.h"
#include "kernels/forwarding_backend.h"
#include "tests/kernels/compare_backends.h"
#include "tests/simulator/simulated.h"
#include "tests/support/temporary_directory.h"

namespace rlnas::test {
namespace {

using simulator::Policy;

// Each case under another policy, on a backend of its own.
void compare_simulated(const std::vector<Case>& cases, const CudaOptions& cuda = {},
                       const std::string& device = "h100_sxm") {
  std::size_t next = 0;
  for (const Case& test : cases) {
    const Policy policy = simulator::kPolicies[next++ % std::size(simulator::kPolicies)];
    on_simulated_device({.policy = policy, .device = device},
                        [&] { compare_with_ref({test}, *make_cuda_backend(cuda)); });
  }
}

// Convolutions by cuDNN, whatever the backend has kernels of its own for.
class CudnnConvolutions final : public ForwardingBackend<CudnnConvolutions> {
 public:
  explicit CudnnConvolutions(Backend& cuda)
      : ForwardingBackend(cuda), conv_({}, static_cast<GpuStream>(cuda.native_stream())) {}

  template <class Primitive>
  void take(const Primitive& call, Workspace workspace) {
    inner_.run(call, workspace);
  }
  void take(const ConvForward& call, Workspace workspace) {
    conv_.run({call.spec, call.kPass}, {.x = call.x, .w = call.w}, call.y, workspace);
  }
  void take(const ConvBackwardData& call, Workspace workspace) {
    conv_.run({call.spec, call.kPass}, {.w = call.w, .y = call.dy}, call.dx, workspace);
  }
  void take(const ConvBackwardWeights& call, Workspace workspace) {
    conv_.run({call.spec, call.kPass}, {.x = call.x, .y = call.dy}, call.dw, workspace);
  }
  template <class Primitive>
  std::size_t scratch_bytes(const Primitive& call) {
    if constexpr (requires { call.kPass; })
      return conv_.workspace_bytes({call.spec, call.kPass}, Element::f32);
    else
      return inner_.workspace_bytes(call);
  }

 private:
  CudnnConv conv_;
};

std::string error_of(const simulator::Options& options, const std::function<void()>& action) {
  std::string message;
  on_simulated_device(options, [&] {
    try {
      action();
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::device);
      message = error.what();
    }
  });
  return message;
}

}  // namespace

TEST_CASE("simulated CUDA equals ref: convolution") {
  compare_simulated(conv_cases());
}
TEST_CASE("simulated CUDA equals ref: batch norm") {
  compare_simulated(batch_norm_cases());
}
TEST_CASE("simulated CUDA equals ref: element-wise") {
  compare_simulated(elementwise_cases());
}
TEST_CASE("simulated CUDA equals ref: pooling") {
  compare_simulated(pool_cases());
  compare_simulated(rearrange_cases());
}
TEST_CASE("simulated CUDA equals ref: linear and loss") {
  compare_simulated(head_cases());
}
TEST_CASE("simulated CUDA equals ref: sgd and angle sums") {
  compare_simulated(buffer_cases());
}
TEST_CASE("simulated CUDA equals ref: augmentation") {
  compare_simulated(augment_cases());
}
TEST_CASE("simulated CUDA equals ref: plans of an A100 and of tf32") {
  compare_simulated(conv_cases(), {}, "a100_sxm");
  compare_simulated(conv_cases(), {.precision = Precision::tf32});
}
TEST_CASE("simulated CUDA equals ref: 1x1 convolutions, by cuDNN where it is asked for") {
  std::vector<Case> pointwise;
  for (const Case& test : conv_cases())
    if (test.name.find("kernel 1 stride 1 padding 0") != std::string::npos) pointwise.push_back(test);
  REQUIRE(pointwise.size() >= 16);
  compare_simulated(pointwise, {.pointwise = Pointwise::cudnn});
  compare_simulated(pointwise, {.precision = Precision::bf16});  // whose products are rounded nowhere here
  const ConvForward call{.spec = {64, 64, 8, 8, 64, 1, 1, 0, 1, 1}};
  on_simulated_device({}, [&] {
    CHECK(make_cuda_backend({})->workspace_bytes(call) == 0);
    CHECK(make_cuda_backend({.pointwise = Pointwise::cudnn})->workspace_bytes(call) > 0);
  });
}

TEST_CASE("depthwise convolutions by cuDNN, as the benchmark sets them beside own kernels, equal ref") {
  const std::vector<ConvSpec> specs = conv_specs();
  const std::vector<Case> cases = conv_cases();  // first those of the specs, in order
  int depthwise = 0;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    if (!is_depthwise(specs[i])) continue;
    ++depthwise;
    on_simulated_device({.policy = Policy::needed_last}, [&] {
      const auto cuda = make_cuda_backend({});
      CudnnConvolutions cudnn(*cuda);
      compare_with_ref({cases[i]}, cudnn);
    });
  }
  CHECK(depthwise >= 10);
}

TEST_CASE("one case of every primitive is bit-equal under every policy") {
  for (const Case& test : cases_of_every_primitive()) {
    CAPTURE(test.name);
    std::vector<Output> first;
    for (const Policy policy : simulator::kPolicies) {
      on_simulated_device({.policy = policy}, [&] {
        const std::vector<Output> got = run_case(test, *make_cuda_backend({}));
        if (first.empty()) first = got;
        REQUIRE(got.size() == first.size());
        for (std::size_t i = 0; i < got.size(); ++i) CHECK(got[i].bytes == first[i].bytes);
      });
    }
  }
}

TEST_CASE("a bf16 convolution rounds operands and result to bfloat16, and nothing else") {
  const auto rounded = [](std::vector<float> values) {
    for (float& value : values) {
      const auto bits = std::bit_cast<std::uint32_t>(value);
      value = std::bit_cast<float>((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000u);
    }
    return values;
  };
  RandomStream random(0, "bf16 convolutions");
  // Sums of products of small whole numbers are exact in any order.
  const auto numbers = [&](std::size_t count) {
    std::vector<float> values(count);
    for (float& value : values) value = float(int(random.below(5)) - 2);
    return values;
  };
  const ConvSpec spec = {2, 16, 9, 7, 24, 3, 2, 1, 1, 1};
  const std::vector<float> x = numbers(spec.in_count()), w = numbers(spec.weight_count()),
                           dy = numbers(spec.out_count());
  const auto results = [&](Backend& backend) {
    std::vector<std::vector<float>> all;
    // make(a, b, out) -> the primitive
    const auto run = [&](const std::vector<float>& a, const std::vector<float>& b, std::size_t count,
                         const auto& make) {
      const auto device = [&](const std::vector<float>& host) {
        auto* const data = static_cast<float*>(backend.allocate(host.size() * sizeof(float)));
        backend.upload(data, host.data(), host.size() * sizeof(float));
        return data;
      };
      float *const da = device(a), *const db = device(b), *const out = device(std::vector<float>(count));
      const auto call = make(da, db, out);
      const std::size_t scratch = backend.workspace_bytes(call);
      void* const workspace = backend.allocate(scratch);
      backend.run(call, {workspace, scratch});
      all.emplace_back(count);
      backend.download(all.back().data(), out, count * sizeof(float));
      for (void* const memory :
           {static_cast<void*>(da), static_cast<void*>(db), static_cast<void*>(out), workspace})
        backend.release(memory);
    };
    run(x, w, dy.size(), [&](const float* a, const float* b, float* out) {
      return ConvForward{.spec = spec, .x = a, .w = b, .y = out};
    });
    run(dy, w, x.size(), [&](const float* a, const float* b, float* out) {
      return ConvBackwardData{.spec = spec, .dy = a, .w = b, .dx = out};
    });
    run(x, dy, w.size(), [&](const float* a, const float* b, float* out) {
      return ConvBackwardWeights{.spec = spec, .x = a, .dy = b, .dw = out};
    });
    return all;
  };
  const std::vector<std::vector<float>> expected = results(*make_ref_backend());
  on_simulated_device({}, [&] {
    const auto got = results(*make_cuda_backend({.precision = Precision::bf16}));
    for (std::size_t i = 0; i < got.size(); ++i) CHECK(got[i] == rounded(expected[i]));
  });
}

TEST_CASE("plans kept on disk give the same results as plans made anew") {
  const TemporaryDirectory directory;
  const CudaOptions options{.plan_directory = directory.path()};
  std::vector<Output> first;
  for (int start = 0; start < 2; ++start) {
    on_simulated_device({}, [&] {
      const std::vector<Output> got = run_case(conv_cases().front(), *make_cuda_backend(options));
      if (first.empty()) first = got;
      for (std::size_t i = 0; i < got.size(); ++i) CHECK(got[i].bytes == first[i].bytes);
    });
    CHECK(!std::filesystem::is_empty(directory.path()));
  }
}

// Ten batches through the backend's upload ring into one buffer, each added up. Returns the sum's elements.
std::vector<float> uploaded_sum(int batches) {
  constexpr std::size_t kCount = 64, kBytes = kCount * sizeof(float);
  const auto backend = make_cuda_backend({});
  auto *const batch = static_cast<float*>(backend->allocate(kBytes)), *const sum = static_cast<float*>(
                                                                          backend->allocate(kBytes));
  backend->run(Fill{.count = kCount, .value = 0.0f, .y = sum});
  for (int i = 0; i < batches; ++i) {
    const std::vector<float> host(kCount, float(i + 1));
    backend->upload(batch, host.data(), kBytes);
    backend->run(Add{.count = kCount, .x = batch, .y = sum, .store = Store::accumulate});
  }
  std::vector<float> result(kCount);
  backend->download(result.data(), sum, kBytes);
  backend->release(batch);
  backend->release(sum);
  return result;
}

TEST_CASE("planted bug: a stream of the backend does not wait for an event") {
  constexpr int kBatches = 10;
  const std::vector<float> expected(64, 55.0f);
  std::int64_t waits = 0;
  on_simulated_device({}, [&] {
    CHECK(uploaded_sum(kBatches) == expected);
    waits = simulator::usage().waits;
  });
  CHECK(waits == kBatches);
  for (std::int64_t wait = 1; wait <= waits; ++wait) {
    int caught = 0;
    for (const Policy policy : simulator::kPolicies)
      on_simulated_device({.policy = policy, .drop_wait_at = wait},
                          [&] { caught += uploaded_sum(kBatches) != expected; });
    CAPTURE(wait);
    CHECK(caught > 0);
  }
}

TEST_CASE("planted bug: the host does not wait before it writes to pinned memory again") {
  constexpr int kSlots = 32, kBatches = kSlots + 3;  // the ring of uploads goes round
  const std::vector<float> expected(64, float(kBatches * (kBatches + 1) / 2));
  for (int wait = 1; wait <= kBatches; ++wait) {
    int caught = 0;
    for (const Policy policy : simulator::kPolicies)
      on_simulated_device({.policy = policy, .drop_host_wait_at = wait},
                          [&] { caught += uploaded_sum(kBatches) != expected; });
    CAPTURE(wait);
    CHECK((caught > 0) == (wait > kSlots));  // the first time round nothing is there to wait for
  }
}

TEST_CASE("a machine without driver or device, or with no device of that index, is told apart") {
  const auto make = [](int device) { return [device] { make_cuda_backend({.device = device}); }; };
  check_has(error_of({.presence = simulator::Presence::no_driver}, make(0)), "no NVIDIA driver");
  check_has(error_of({.presence = simulator::Presence::no_device}, make(0)), "no CUDA-capable device");
  check_has(error_of({}, make(1)), "there is no device cuda:1");
  check_has(error_of({.memory_bytes = 1 << 20}, make(0)), "out of device memory");
  CHECK(error_of({}, make(0)).empty());
}

TEST_CASE("an operation that the device cannot run is refused when its workspace is asked for") {
  constexpr ConvSpec spec = {2, 16, 8, 8, 16, 3, 1, 1, 1, 1};
  check_has(
      error_of(
          {.device = "t4"},
          [&] {
            make_cuda_backend({.precision = Precision::bf16})->workspace_bytes(ConvForward{.spec = spec});
          }),
      "cuDNN has no plan");
}

}  // namespace rlnas::test
