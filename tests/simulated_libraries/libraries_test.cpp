// The CUDA backend's use of cuDNN and cuBLAS (plans, layouts, staging in workspace, bias kernels), carried
// out on the host by the simulated libraries and held against the reference over the case table. What the
// real libraries round, and how fast they are, is not shown here.
#include <doctest/doctest.h>

#include <bit>

#include "engine/atomic_file.h"
#include "engine/philox.h"
#include "kernels/cuda/cublas_gemm.h"
#include "kernels/cuda/cudnn_conv.h"
#include "kernels/cuda/linear_bias.h"
#include "kernels/ref/ref_backend.h"
#include "tests/kernels/compare_backends.h"
#include "tests/simulated_libraries/simulated_cudnn.h"

namespace rlnas::test {
namespace {

// The reference with what the CUDA backend leaves to libraries (conv.cpp and linear.cpp) done by them.
class LibraryBackend final : public RefBackend {
 public:
  explicit LibraryBackend(const CudaOptions& options)
      : conv_(options, nullptr), gemm_(options.precision, nullptr) {}

  std::size_t conv_workspace_bytes(const ConvSpec& spec, ConvPass pass) override {
    return conv_.workspace_bytes({spec, pass});
  }
  void conv_forward(const ConvSpec& spec, const float* x, const float* w, float* y,
                    Workspace space) override {
    conv_.run({spec, ConvPass::forward}, {.x = x, .w = w}, y, space);
  }
  void conv_backward_data(const ConvSpec& spec, const float* dy, const float* w, float* dx,
                          Workspace space) override {
    conv_.run({spec, ConvPass::backward_data}, {.w = w, .y = dy}, dx, space);
  }
  void conv_backward_weights(const ConvSpec& spec, const float* x, const float* dy, float* dw,
                             Workspace space) override {
    conv_.run({spec, ConvPass::backward_weights}, {.x = x, .y = dy}, dw, space);
  }
  void linear_forward(const LinearSpec& spec, const float* x, const float* w, const float* bias,
                      float* y) override {
    gemm_.multiply(linear_forward_gemm(spec), w, x, y);
    if (bias != nullptr) add_bias(spec, bias, y, nullptr);
  }
  void linear_backward_data(const LinearSpec& spec, const float* dy, const float* w, float* dx) override {
    gemm_.multiply(linear_backward_data_gemm(spec), w, dy, dx);
  }
  void linear_backward_weights(const LinearSpec& spec, const float* x, const float* dy, float* dw,
                               float* dbias) override {
    gemm_.multiply(linear_backward_weights_gemm(spec), x, dy, dw);
    if (dbias != nullptr) bias_gradient(spec, dy, dbias, nullptr);
  }

 private:
  CudnnConv conv_;
  CublasGemm gemm_;
};

void use_device(const char* name) {
  simulation::cudnn_device_properties() =
      read_file(std::string(RLNAS_DEVICE_PROPERTIES_DIR "/") + name + ".json");
}

std::vector<float> rounded_to_bf16(std::vector<float> values) {
  for (float& value : values) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    value = std::bit_cast<float>((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000u);
  }
  return values;
}

}  // namespace

TEST_CASE("convolutions through cuDNN are the reference's, in fp32 and tf32 plans of H100 and A100") {
  for (const char* const name : {"h100_sxm", "a100_sxm"})
    for (const Precision precision : {Precision::fp32, Precision::tf32}) {
      use_device(name);
      LibraryBackend backend({.precision = precision});
      compare_with_ref(conv_cases(), backend);
    }
}

TEST_CASE("convolutions in bf16 are the reference's, rounded to bfloat16") {
  use_device("h100_sxm");
  LibraryBackend backend({.precision = Precision::bf16});
  RefBackend ref;
  RandomStream random(0, "bf16 convolutions");
  for (const ConvSpec& spec : conv_specs()) {
    CAPTURE(text_of({spec, ConvPass::forward}));
    // Small whole numbers, which bfloat16 holds and whose products add up exactly in any order.
    const auto numbers = [&](std::size_t count) {
      std::vector<float> values(count);
      for (float& value : values) value = float(int(random.below(5)) - 2);
      return values;
    };
    const std::vector<float> x = numbers(spec.in_count()), w = numbers(spec.weight_count()),
                             dy = numbers(spec.out_count());
    std::vector<char> memory;
    const auto space = [&](ConvPass pass) -> Workspace {
      memory.assign(backend.conv_workspace_bytes(spec, pass), 'x');
      return {memory.data(), memory.size()};
    };
    std::vector<float> expected = dy, got = dy;
    ref.conv_forward(spec, x.data(), w.data(), expected.data(), {});
    backend.conv_forward(spec, x.data(), w.data(), got.data(), space(ConvPass::forward));
    CHECK(got == rounded_to_bf16(expected));
    expected = got = x;
    ref.conv_backward_data(spec, dy.data(), w.data(), expected.data(), {});
    backend.conv_backward_data(spec, dy.data(), w.data(), got.data(), space(ConvPass::backward_data));
    CHECK(got == rounded_to_bf16(expected));
    expected = got = w;
    ref.conv_backward_weights(spec, x.data(), dy.data(), expected.data(), {});
    backend.conv_backward_weights(spec, x.data(), dy.data(), got.data(), space(ConvPass::backward_weights));
    CHECK(got == rounded_to_bf16(expected));
  }
}

TEST_CASE("what goes into a bf16 convolution is rounded to nearest even") {
  use_device("h100_sxm");
  LibraryBackend backend({.precision = Precision::bf16});
  constexpr ConvSpec spec = {1, 1, 1, 1, 1, 1, 1, 0, 1, 1};
  const float x = 1.0f + 1.0f / 256,
              w = 3.0f;  // x lies half-way between two bfloat16 numbers, 1 is the even one
  float y = 0.0f;
  std::vector<char> memory(backend.conv_workspace_bytes(spec, ConvPass::forward) + 256);
  backend.conv_forward(spec, &x, &w, &y, {memory.data(), memory.size()});
  CHECK(y == 3.0f);
}

TEST_CASE("the classifier through cuBLAS is the reference's") {
  use_device("h100_sxm");
  LibraryBackend backend({});
  compare_with_ref(head_cases(), backend);
}

TEST_CASE("a workspace that is too small is refused") {
  use_device("h100_sxm");
  LibraryBackend backend({});
  constexpr ConvSpec spec = {2, 16, 8, 8, 16, 3, 1, 1, 1, 1};
  std::vector<float> x(spec.in_count()), w(spec.weight_count()), y(spec.out_count());
  std::vector<char> memory(backend.conv_workspace_bytes(spec, ConvPass::backward_weights));
  REQUIRE(memory.size() > 0);
  CHECK_THROWS_AS(
      backend.conv_backward_weights(spec, x.data(), y.data(), w.data(), {memory.data(), memory.size() - 1}),
      Error);
}

TEST_CASE("a device without a plan is said so before anything runs") {
  use_device("t4");
  LibraryBackend backend({.precision = Precision::bf16});
  constexpr ConvSpec spec = {2, 16, 8, 8, 16, 3, 1, 1, 1, 1};
  CHECK_THROWS_WITH_AS(backend.conv_workspace_bytes(spec, ConvPass::forward),
                       doctest::Contains("cuDNN has no plan"), Error);
}

}  // namespace rlnas::test
