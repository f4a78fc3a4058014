#include <doctest/doctest.h>

#include <cmath>

#include "engine/parameters.h"
#include "kernels/forwarding_backend.h"

namespace rlnas {
namespace {

SegmentTable two_tensors() {
  SegmentTable table;
  table.add("a", {2, 3});
  table.add("b", {5});
  return table;
}

// What a backend is asked for.
class CountingBackend final : public ForwardingBackend<CountingBackend> {
 public:
  using ForwardingBackend::ForwardingBackend;
  void* allocate(std::size_t bytes) override {
    allocated += bytes;
    return ForwardingBackend::allocate(bytes);
  }
  void upload(void* device, const void* host, std::size_t bytes) override {
    uploaded += bytes;
    ForwardingBackend::upload(device, host, bytes);
  }
  template <class Primitive>
  void take(const Primitive& call, Workspace workspace) {
    if constexpr (std::is_same_v<Primitive, TakeGradientNorm>) ++norms;
    inner_.run(call, workspace);
  }

  std::size_t allocated = 0, uploaded = 0;
  int norms = 0;
};

}  // namespace

TEST_CASE("the parameters take the memory that they say, and a step sends no more than the states") {
  const auto backend = make_cpu_backend({.threads = 1});
  CountingBackend counting(*backend);
  Parameters parameters(counting, two_tensors());
  CHECK(counting.allocated == parameters.device_bytes());
  CHECK(counting.uploaded == std::size_t(parameters.block_count()) * sizeof(SegmentBlock));
  counting.uploaded = 0;
  parameters.sgd_step({}, Unsampled::coast);
  CHECK(counting.uploaded == 2 * sizeof(SegmentState));
  CHECK(counting.norms == 0);  // none is asked for
  parameters.sgd_step({}, Unsampled::coast, 1.0f);
  CHECK(counting.norms == 1);
}

TEST_CASE("segments start on aligned places and are cut into blocks of one segment each") {
  SegmentTable table;
  CHECK(table.add("a", {3}) == 0);
  CHECK(table.add("b", {SegmentBlock::kBlockElements + 1}, 4, 5, 3) == 1);
  CHECK(table.add("c", {}) == 2);  // a scalar
  CHECK(table[1].offset == 16);
  CHECK(table[1].cell == 4);
  CHECK(table.element_count() == 3 + SegmentBlock::kBlockElements + 1 + 1);
  CHECK(table.find("b") == 1);
  CHECK(table.find("d") == -1);
  const std::vector<SegmentBlock> blocks = table.blocks();
  REQUIRE(blocks.size() == 4);
  CHECK(blocks[1].segment == 1);
  CHECK(blocks[2].offset == blocks[1].offset + SegmentBlock::kBlockElements);
  CHECK(blocks[2].count == 1);
}

TEST_CASE("coast: an op that was sampled once goes on decaying and coasting, freeze: it stands still") {
  for (const Unsampled unsampled : {Unsampled::coast, Unsampled::freeze}) {
    const auto backend = make_ref_backend();
    Parameters parameters(*backend, two_tensors());
    std::vector<float> ones(std::size_t(parameters.table().buffer_count()), 1.0f);
    parameters.weights().upload(ones);
    const SgdSpec sgd{.learning_rate = 0.1f, .momentum = 0.5f, .weight_decay = 0.0f, .nesterov = false};

    parameters.sgd_step(sgd, unsampled);  // nothing sampled yet: nothing moves
    CHECK(parameters.weights().download() == ones);

    backend->run(Fill{.count = 6, .value = 1.0f, .y = parameters.gradient_target(0).data});
    parameters.sgd_step(sgd, unsampled);  // m = 1, w = 0.9
    CHECK(parameters.weights().download()[0] == doctest::Approx(0.9));
    parameters.sgd_step(sgd, unsampled);  // coast: m = 0.5, w = 0.85
    CHECK(parameters.weights().download()[0] == doctest::Approx(unsampled == Unsampled::coast ? 0.85 : 0.9));
    CHECK(parameters.weights().download()[std::size_t(parameters.table()[1].offset)] == 1.0f);

    parameters.mark_on_path(1);  // on the path, but no gradient reaches it
    const SgdSpec decay{.learning_rate = 0.1f, .momentum = 0.0f, .weight_decay = 0.5f, .nesterov = false};
    parameters.sgd_step(decay, unsampled);
    CHECK(parameters.weights().download()[std::size_t(parameters.table()[1].offset)] ==
          doctest::Approx(unsampled == Unsampled::coast ? 0.95 : 1.0));
  }
}

TEST_CASE("a segment that was never sampled does not decay either") {
  const auto backend = make_ref_backend();
  Parameters parameters(*backend, two_tensors());
  const std::vector<float> ones(std::size_t(parameters.table().buffer_count()), 1.0f);
  parameters.weights().upload(ones);
  parameters.sgd_step({.learning_rate = 0.1f, .weight_decay = 0.5f}, Unsampled::coast);
  CHECK(parameters.weights().download() == ones);
  CHECK(parameters.ever_sampled() == std::vector<std::uint8_t>{0, 0});
}

TEST_CASE("the first gradient of a segment in a step overwrites, a further one adds") {
  const auto backend = make_ref_backend();
  Parameters parameters(*backend, two_tensors());
  for (int step = 0; step < 2; ++step) {
    CHECK(parameters.gradient_target(0).store == Store::overwrite);
    CHECK(parameters.gradient_target(1).store == Store::overwrite);
    CHECK(parameters.gradient_target(0).store == Store::accumulate);
    CHECK(parameters.gradient_target(0).data == parameters.gradient_of(0));
    CHECK(parameters.ever_sampled() == std::vector<std::uint8_t>{1, 1});  // as checkpoints keep them
    parameters.sgd_step({}, Unsampled::coast);
  }
}

TEST_CASE("weight decay leaves undecayed segments alone, sampled or coasting") {
  const auto backend = make_ref_backend();
  Parameters parameters(*backend, two_tensors());
  CHECK_THROWS_AS(parameters.set_decayed({1}), Error);
  parameters.set_decayed({1, 0});
  parameters.weights().upload(std::vector<float>(std::size_t(parameters.table().buffer_count()), 1.0f));
  const SgdSpec decay{.learning_rate = 0.1f, .momentum = 0.0f, .weight_decay = 0.5f};
  const auto first_of = [&](int segment) {
    return parameters.weights().download()[std::size_t(parameters.table()[segment].offset)];
  };
  for (int segment = 0; segment < 2; ++segment)
    backend->run(Fill{.count = std::size_t(parameters.table()[segment].count),
                      .value = 1.0f,
                      .y = parameters.gradient_target(segment).data});
  parameters.sgd_step(decay, Unsampled::coast);
  CHECK(first_of(0) == doctest::Approx(0.85));  // 1 - 0.1 * (1 + 0.5)
  CHECK(first_of(1) == doctest::Approx(0.9));
  parameters.sgd_step(decay, Unsampled::coast);
  CHECK(first_of(0) == doctest::Approx(0.85 * 0.95));
  CHECK(first_of(1) == doctest::Approx(0.9));
}

TEST_CASE("gradients are clipped by their norm over the sampled segments, then by element") {
  const auto backend = make_ref_backend();
  Parameters parameters(*backend, two_tensors());
  const std::size_t count = std::size_t(parameters.table()[0].count);
  SgdSpec plain{.learning_rate = 1.0f, .momentum = 0.0f};
  const auto step = [&](float gradient, float max_norm) {
    parameters.weights().upload(std::vector<float>(std::size_t(parameters.table().buffer_count()), 0.0f));
    backend->run(Fill{.count = count, .value = gradient, .y = parameters.gradient_target(0).data});
    parameters.sgd_step(plain, Unsampled::coast, max_norm);
    return -parameters.weights().download()[0];
  };
  const double norm_of_ones = std::sqrt(double(count));
  CHECK(step(3.0f, 1.0f) == doctest::Approx(1.0 / norm_of_ones).epsilon(1e-5));
  CHECK(step(3.0f, 100.0f) == doctest::Approx(3.0));
  plain.clip.limit = 0.25f;
  CHECK(step(3.0f, std::numeric_limits<float>::infinity()) == doctest::Approx(0.25));
  CHECK(step(-3.0f, 1.0f) == doctest::Approx(-std::min(0.25, 1.0 / norm_of_ones)).epsilon(1e-5));
}

}  // namespace rlnas
