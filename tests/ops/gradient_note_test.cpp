// What a convolution notes of its input's gradient reaches the convolution that takes that gradient.
#include <doctest/doctest.h>

#include <vector>

#include "kernels/uniform_backend.h"
#include "tests/ops/graph_layers.h"
#include "tests/ops/test_network.h"
#include "tests/support/network_graph.h"

namespace rlnas::test {
namespace {

constexpr int kSize = 6, kChannels = 8;

// Another backend, and the notes that its convolutions with batch norm are given in the backward pass.
class NoteWatch final : public UniformBackend<NoteWatch> {
 public:
  struct Notes {
    const void *of_dz, *of_dx;
  };
  explicit NoteWatch(Backend& inner) : inner_(inner) {}

  std::string description() const override { return inner_.description(); }
  bool gains_by_normalising_inputs(const ConvSpec& spec) const override {
    return inner_.gains_by_normalising_inputs(spec);
  }
  bool gains_by_masking_once() const override { return inner_.gains_by_masking_once(); }
  std::size_t note_bytes(const ConvNormBackward& call) const override { return inner_.note_bytes(call); }
  void* allocate(std::size_t bytes) override { return inner_.allocate(bytes); }
  void release(void* memory) noexcept override { inner_.release(memory); }
  void upload(void* device, const void* host, std::size_t bytes) override {
    inner_.upload(device, host, bytes);
  }
  void download(void* host, const void* device, std::size_t bytes) override {
    inner_.download(host, device, bytes);
  }
  void synchronize() override { inner_.synchronize(); }

  template <class Primitive>
  void take(const Primitive& call, Workspace workspace) {
    if constexpr (std::is_same_v<Primitive, ConvNormBackward>) notes.push_back({call.dz_note, call.dx_note});
    inner_.run(call, workspace);
  }
  template <class Primitive>
  std::size_t scratch_bytes(const Primitive& call) {
    return inner_.workspace_bytes(call);
  }

  std::vector<Notes> notes;

 private:
  Backend& inner_;
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
