#include <doctest/doctest.h>

#include <vector>

#include "engine/tape.h"

namespace rlnas {
namespace {

struct Fixture {
  std::unique_ptr<Backend> backend = make_ref_backend();
  Arena arena{*backend, 1 << 20};
  Tape tape{*backend, arena};

  Tensor filled(float value) {
    Tensor tensor = make_tensor(arena, Shape::image(1, 2, 2, 3));
    backend->run(Fill{.count = tensor.count(), .value = value, .y = tensor.data()});
    return tensor;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "closures run last to first and are gone afterwards") {
  std::vector<int> order;
  for (int i = 0; i < 3; ++i) tape.record([&order, i] { order.push_back(i); });
  tape.backward();
  CHECK(order == std::vector<int>{2, 1, 0});
  tape.backward();
  CHECK(order.size() == 3);
}

TEST_CASE_FIXTURE(Fixture,
                  "the first gradient is kept without a copy, the second never writes into shared memory") {
  Tensor x = filled(0.0f);
  x.variable = tape.new_variable();
  const Tensor first = filled(1.0f);
  tape.add_gradient(x, first);
  tape.add_gradient(x, filled(2.0f));
  CHECK(first.data()[0] == 1.0f);  // still used elsewhere
  const Tensor total = tape.take_gradient(x.variable);
  CHECK(total.data()[11] == 3.0f);
  CHECK(total.data() != first.data());
  CHECK(!tape.take_gradient(x.variable));
}

TEST_CASE_FIXTURE(Fixture, "an unshared gradient is added to in place") {
  Tensor x = filled(0.0f);
  x.variable = tape.new_variable();
  const Tape::Target target = tape.gradient_target(x);
  CHECK(target.store == Store::overwrite);
  backend->run(Fill{.count = x.count(), .value = 5.0f, .y = target.data});
  const Tape::Target again = tape.gradient_target(x);
  CHECK(again.store == Store::accumulate);
  CHECK(again.data == target.data);
}

TEST_CASE_FIXTURE(Fixture, "a note goes with the gradient it was made on, and no further") {
  Tensor x = filled(0.0f);
  x.variable = tape.new_variable();
  tape.gradient_target(x);
  void* const note = tape.note_on_gradient(x.variable, 8);
  REQUIRE(note != nullptr);
  Tape::NotedGradient taken = tape.take_noted_gradient(x.variable);
  CHECK(taken.note.data() == note);

  // The next gradient of the variable starts without one, and keeps none where a kernel has nothing to note.
  tape.add_gradient(x, taken.gradient);
  CHECK(!tape.take_noted_gradient(x.variable).note);
  tape.gradient_target(x);
  CHECK(tape.note_on_gradient(x.variable, 0) == nullptr);
  CHECK(!tape.take_noted_gradient(x.variable).note);
}

TEST_CASE_FIXTURE(Fixture, "a further contribution to a gradient drops the note on it") {
  Tensor x = filled(0.0f);
  for (const bool by_kernel : {false, true}) {
    x.variable = tape.new_variable();
    tape.gradient_target(x);
    tape.note_on_gradient(x.variable, 8);
    if (by_kernel)
      tape.gradient_target(x);
    else
      tape.add_gradient(x, filled(1.0f));
    const Tape::NotedGradient taken = tape.take_noted_gradient(x.variable);
    CHECK(bool(taken.gradient));
    CHECK(!taken.note);
  }
}

TEST_CASE_FIXTURE(Fixture, "dropping a closure frees what it saved") {
  {
    const Tensor saved = filled(1.0f);
    tape.record([saved] {});
  }
  const std::size_t before = arena.peak_bytes();
  tape.backward();
  const Tensor reused = filled(2.0f);
  CHECK(arena.peak_bytes() == before);
}

TEST_CASE_FIXTURE(Fixture,
                  "what arrives at an activated variable passes back once, or is left to who takes it") {
  Tensor activated = filled(0.0f);
  for (std::size_t i = 0; i < activated.count(); i += 2) activated.data()[i] = 1.0f;  // lets through
  const int variable = tape.new_variable();
  Tensor before = activated.for_gradient();
  before.variable = variable;
  activated.variable = tape.new_activated_variable(variable, Activation::relu, activated);

  SUBCASE("left to a kernel") {
    tape.add_gradient(activated, filled(1.0f));
    tape.add_gradient(activated, filled(2.0f));
    Tape::NotedGradient taken = tape.take_noted_gradient(variable);
    CHECK(taken.activation == Activation::relu);
    CHECK(taken.gradient.data()[0] == 3.0f);
    CHECK(taken.gradient.data()[1] == 3.0f);
    const int next = tape.new_variable();
    tape.pass_on(next, std::move(taken));
    CHECK(tape.take_noted_gradient(next).activation == Activation::relu);
  }
  SUBCASE("passed back, shared or not") {
    const Tensor shared = filled(3.0f);
    tape.add_gradient(activated, shared);
    const Tensor taken = tape.take_gradient(variable);
    CHECK(taken.data()[0] == 3.0f);
    CHECK(taken.data()[1] == 0.0f);
    CHECK(shared.data()[1] == 3.0f);
  }
  SUBCASE("added to what arrived at the value itself") {
    tape.add_gradient(before, filled(5.0f));
    tape.add_gradient(activated, filled(3.0f));
    const Tape::NotedGradient taken = tape.take_noted_gradient(variable);
    CHECK(taken.activation == Activation::none);
    CHECK(taken.gradient.data()[0] == 8.0f);
    CHECK(taken.gradient.data()[1] == 5.0f);
  }
  SUBCASE("nothing arrived") {
    CHECK(!tape.take_gradient(variable));
  }
}

}  // namespace rlnas
