// The CPU backend against the reference over the case table.
#include <doctest/doctest.h>

#include <set>

#include "kernels/cpu/direct_conv.h"
#include "kernels/ref/ref_backend.h"
#include "tests/kernels/compare_backends.h"

namespace rlnas::test {
namespace {

void compare_with_ref(const std::vector<Case>& cases) {
  compare_with_ref(cases, *make_cpu_backend({.threads = 2}));
}

// Our own convolutions whatever oneDNN offers.
class DirectConvBackend final : public RefBackend {
 public:
  std::string description() const override { return "direct convolutions"; }
  std::size_t conv_workspace_bytes(const ConvSpec& spec, ConvPass pass) override {
    return direct_conv_workspace_bytes(spec, pass);
  }
  void conv_forward(const ConvSpec& spec, const float* x, const float* w, float* y,
                    Workspace workspace) override {
    direct_conv_forward(2, spec, x, w, y, workspace);
  }
  void conv_backward_data(const ConvSpec& spec, const float* dy, const float* w, float* dx,
                          Workspace workspace) override {
    direct_conv_backward_data(2, spec, dy, w, dx, workspace);
  }
  void conv_backward_weights(const ConvSpec& spec, const float* x, const float* dy, float* dw,
                             Workspace workspace) override {
    direct_conv_backward_weights(2, spec, x, dy, dw, workspace);
  }
};

}  // namespace

TEST_CASE("cpu equals ref: convolution") {
  compare_with_ref(conv_cases());
}
TEST_CASE("cpu equals ref: batch norm") {
  compare_with_ref(batch_norm_cases());
}
TEST_CASE("cpu equals ref: element-wise") {
  compare_with_ref(elementwise_cases());
}
TEST_CASE("cpu equals ref: pooling") {
  compare_with_ref(pool_cases());
}
TEST_CASE("cpu equals ref: rearranging") {
  compare_with_ref(rearrange_cases());
}
TEST_CASE("cpu equals ref: linear and loss") {
  compare_with_ref(head_cases());
}
TEST_CASE("cpu equals ref: sgd and angle sums") {
  compare_with_ref(buffer_cases());
}
TEST_CASE("cpu equals ref: augmentation") {
  compare_with_ref(augment_cases());
}

TEST_CASE("own convolutions equal ref") {
  DirectConvBackend direct;
  compare_with_ref(conv_cases(), direct);
}

TEST_CASE("Winograd convolutions equal ref") {
  const auto winograd = make_cpu_backend({.threads = 2, .conv_algorithm = ConvAlgorithm::winograd});
  compare_with_ref(conv_cases(), *winograd);
}

TEST_CASE("the case table reaches every primitive") {
  std::set<std::string> ops;
  for (const Case& test : all_cases()) ops.insert(test.op);
  CHECK(ops == std::set<std::string>{"activation_backward", "add", "affine_sum", "angle_sums", "augment",
                                     "batch_norm", "conv", "conv_norm", "copy_channels", "cross_entropy",
                                     "fill", "global_avg_pool", "gradient_norm", "linear", "pool",
                                     "scale_rows", "sgd_step", "subsample"});
}

}  // namespace rlnas::test
