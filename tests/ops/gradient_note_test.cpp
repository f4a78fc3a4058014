// What a convolution notes of its input's gradient reaches the convolution that takes that gradient.
#include <doctest/doctest.h>

#include <vector>

#include "kernels/forwarding_backend.h"
#include "tests/ops/graph_layers.h"
#include "tests/ops/test_network.h"
#include "tests/support/network_graph.h"

namespace rlnas::test {
namespace {

constexpr int kSize = 6, kChannels = 8;

// Another backend, and the notes that its convolutions with batch norm are given in the backward pass.
class NoteWatch final : public ForwardingBackend<NoteWatch> {
 public:
  struct Notes {
    const void *of_dz, *of_dx;
  };
  explicit NoteWatch(Backend& inner) : ForwardingBackend(inner) {}

  template <class Primitive>
  void take(const Primitive& call, Workspace workspace) {
    if constexpr (std::is_same_v<Primitive, ConvNormBackward>) notes.push_back({call.dz_note, call.dx_note});
    inner_.run(call, workspace);
  }

  std::vector<Notes> notes;
};

}  // namespace

TEST_CASE(
    "in a chain of convolutions each notes its input's gradient for the one before, where it is asked to") {
  Graph graph;
  const int x = add_stem(graph, kSize, kChannels);
  add_classifier(graph, add_inverted_residual(graph, x, "chain"));
  const GraphNetwork network(graph);
  for (const bool ref : {false, true}) {
    CAPTURE(ref);
    const auto inner = ref ? make_ref_backend() : make_cpu_backend({.threads = 2});
    NoteWatch watch(*inner);
    TestNetwork trained(watch, network.layout.tensors(), kSize, network);
    trained.loss();
    trained.backward();
    REQUIRE(watch.notes.size() == 4);        // project, filter, expand; the stem
    CHECK(watch.notes[0].of_dz == nullptr);  // a sum's gradient
    for (const std::size_t i : {0, 1}) {
      CHECK(watch.notes[i].of_dx == watch.notes[i + 1].of_dz);
      CHECK((watch.notes[i].of_dx == nullptr) == ref);
    }
    CHECK(watch.notes[2].of_dx == nullptr);
    CHECK(watch.notes[3].of_dz == nullptr);
    CHECK(watch.notes[3].of_dx == nullptr);
  }
}

}  // namespace rlnas::test
