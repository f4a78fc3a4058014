// The whole CUDA backend on the simulated device against the reference, over the case table that drives every
// backend.
#include "tests/kernels/compare_backends.h"
#include "tests/simulator/simulated.h"

namespace rlnas::test {
namespace {

using simulator::Policy;

void compare_simulated(const std::vector<Case>& cases) {
  on_simulated_device({.policy = Policy::needed_only},
                      [&] { compare_with_ref(cases, *make_cuda_backend({})); });
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

TEST_CASE("every primitive is bit-equal under every policy") {
  std::vector<std::vector<Output>> first;
  const std::vector<Case> cases = all_cases();
  for (const Policy policy : simulator::kPolicies) {
    on_simulated_device({.policy = policy}, [&] {
      const auto cuda = make_cuda_backend({});
      for (std::size_t i = 0; i < cases.size(); ++i) {
        CAPTURE(cases[i].name);
        const std::vector<Output> got = run_case(cases[i], *cuda);
        if (first.size() <= i) first.push_back(got);
        REQUIRE(got.size() == first[i].size());
        for (std::size_t o = 0; o < got.size(); ++o) CHECK(got[o].bytes == first[i][o].bytes);
      }
    });
  }
}

TEST_CASE("a machine without driver or device, or with no device of that index, is told apart") {
  const auto error_of = [](const simulator::Options& options, int device) {
    std::string message;
    on_simulated_device(options, [&] {
      try {
        make_cuda_backend({.device = device});
      } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::device);
        message = error.what();
      }
    });
    return message;
  };
  const auto check_has = [](const std::string& text, const char* part) {
    CAPTURE(text);
    CHECK(text.find(part) != std::string::npos);
  };
  check_has(error_of({.presence = simulator::Presence::no_driver}, 0), "driver");
  check_has(error_of({.presence = simulator::Presence::no_device}, 0), "no CUDA-capable device");
  check_has(error_of({}, 1), "1");
  CHECK(error_of({}, 0).empty());
}

}  // namespace rlnas::test
