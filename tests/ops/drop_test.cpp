// What dropout and drop path zero, how they scale what is left, and what their draws depend on.
#include "ops/drop.h"

#include <doctest/doctest.h>

#include <vector>

namespace rlnas::test {
namespace {

struct Fixture {
  std::unique_ptr<Backend> backend = make_ref_backend();
  Parameters parameters{*backend, SegmentTable{}};
  FlatBuffer statistics{*backend, SegmentTable{}};
  Arena arena{*backend, 1 << 20};
  Tape tape{*backend, arena};
  Context context{*backend, arena, tape, parameters, statistics, Mode::train};

  Tensor ones(Shape shape) {
    Tensor x = make_tensor(arena, shape);
    backend->run(Fill{.count = x.count(), .value = 1.0f, .y = x.data()});
    return x;
  }
};

std::vector<float> values(const Tensor& x) {
  return {x.data<float>(), x.data<float>() + x.count()};
}

}  // namespace

TEST_CASE("drop path zeroes whole samples and scales the others, at the asked rate") {
  Fixture f;
  const DropSpec spec{.probability = 0.25, .seed = 7, .step = 3};
  constexpr int kBatch = 4000;
  const Tensor y = drop_path(f.context, f.ones(Shape::image(kBatch, 2, 1, 3)), "a", spec);
  int dropped = 0;
  for (int n = 0; n < kBatch; ++n) {
    const float first = y.data()[n * 6];
    CHECK((first == 0.0f || first == doctest::Approx(1.0 / 0.75)));
    for (int i = 1; i < 6; ++i) CHECK(y.data()[n * 6 + i] == first);
    dropped += first == 0.0f ? 1 : 0;
  }
  CHECK(dropped == doctest::Approx(kBatch * 0.25).epsilon(0.11));  // four standard deviations
}

TEST_CASE("dropout zeroes single values") {
  Fixture f;
  const Tensor y =
      dropout(f.context, f.ones(Shape::matrix(100, 40)), "classifier", {.probability = 0.2, .seed = 1});
  int mixed = 0, dropped = 0;
  for (int n = 0; n < 100; ++n) {
    int zeros = 0;
    for (int i = 0; i < 40; ++i) zeros += y.data()[n * 40 + i] == 0.0f ? 1 : 0;
    mixed += zeros > 0 && zeros < 40 ? 1 : 0;
    dropped += zeros;
  }
  CHECK(mixed > 95);
  CHECK(dropped == doctest::Approx(800).epsilon(0.13));
}

TEST_CASE("draws depend on seed, layer, step and rank, and on nothing else") {
  Fixture f;
  const Tensor x = f.ones(Shape::image(64, 1, 1, 1));
  const DropSpec spec{.probability = 0.5, .seed = 7, .step = 3};
  const std::vector<float> first = values(drop_path(f.context, x, "a", spec));
  drop_path(f.context, x, "b", spec);
  CHECK(values(drop_path(f.context, x, "a", spec)) == first);
  CHECK(values(drop_path(f.context, x, "b", spec)) != first);
  DropSpec other = spec;
  other.seed = 8;
  CHECK(values(drop_path(f.context, x, "a", other)) != first);
  other = spec;
  other.step = 4;
  CHECK(values(drop_path(f.context, x, "a", other)) != first);
  other = spec;
  other.rank = 1;
  CHECK(values(drop_path(f.context, x, "a", other)) != first);
}

TEST_CASE("nothing is dropped in evaluation, or at probability 0") {
  Fixture f;
  const Tensor x = f.ones(Shape::image(64, 1, 1, 1));
  CHECK(drop_path(f.context, x, "a", {}).data() == x.data());
  f.context.mode = Mode::evaluate;
  CHECK(dropout(f.context, x, "a", {.probability = 0.5}).data() == x.data());
}

}  // namespace rlnas::test
