// The CPU backend against the reference over the case table.
#include <doctest/doctest.h>

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

  using RefBackend::run;
  void run(const ConvForward& call, Workspace workspace) override {
    direct_conv_forward(2, call.spec, call.x, call.w, call.y, workspace);
  }
  void run(const ConvBackwardData& call, Workspace workspace) override {
    direct_conv_backward_data(2, call.spec, call.dy, call.w, call.dx, workspace);
  }
  void run(const ConvBackwardWeights& call, Workspace workspace) override {
    direct_conv_backward_weights(2, call.spec, call.x, call.dy, call.dw, workspace);
  }

  using RefBackend::workspace_bytes;
  std::size_t workspace_bytes(const ConvForward& call) override { return bytes(call); }
  std::size_t workspace_bytes(const ConvBackwardData& call) override { return bytes(call); }
  std::size_t workspace_bytes(const ConvBackwardWeights& call) override { return bytes(call); }

 private:
  template <class Conv>
  static std::size_t bytes(const Conv& call) {
    return direct_conv_workspace_bytes(call.spec, Conv::kPass);
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
  cases_of_every_primitive();
}

}  // namespace rlnas::test
