#include "kernels/cpu/depthwise_conv.h"

#include <algorithm>

#include "kernels/cpu/depthwise_filters.h"
#include "kernels/cpu/depthwise_passes.h"
#include "kernels/round_up.h"

namespace rlnas {
namespace {

using depthwise::kLanes;
using depthwise::TensorSource;

// Weights, and the copies of their gradient, are [vector of channels][R][S][kLanes], channels filled up with
// zeros.
template <class Filter>
class DepthwiseConv final : public ChunkedConv {
 public:
  DepthwiseConv(const ConvSpec& conv_spec, ConvPass conv_pass)
      : ChunkedConv(conv_spec, conv_pass), passes_(conv_spec) {
    weights_bytes = whole_pages(std::size_t(weight_parts()) * Passes::kFilterFloats * sizeof(float));
    scratch_bytes = whole_pages(scratch_floats() * sizeof(float));
    if (pass == ConvPass::backward_weights) chunks_per_unit = std::max(1, chunks.count() / kMaxCopies);
  }

  const char* implementation() const override { return "rlnas:depthwise"; }
  int weight_parts() const override { return (spec.groups + kLanes - 1) / kLanes; }

  void load_weights(int part, const float* w, void* loaded) const override {
    float* const to = static_cast<float*>(loaded) + std::size_t(part) * Passes::kFilterFloats;
    std::fill_n(to, Passes::kFilterFloats, 0.0f);
    for_each_weight(part, [&](std::size_t plain, std::size_t at) { to[at] = w[plain]; });
  }

  void store_weights(int part, const void* sum, float* dw) const override {
    const float* const from = static_cast<const float*>(sum) + std::size_t(part) * Passes::kFilterFloats;
    for_each_weight(part, [&](std::size_t plain, std::size_t at) { dw[plain] = from[at]; });
  }

  void run_chunk(const ChunkRun& at, const ForwardChunk& tensors) const override {
    gather<ConvPass::forward>(at, tensors.x, tensors.weights, tensors.y);
  }

  void run_chunk(const ChunkRun& at, const BackwardDataChunk& tensors) const override {
    gather<ConvPass::backward_data>(at, tensors.dy, tensors.weights, tensors.dx);
  }

  void run_chunk(const ChunkRun& at, const BackwardWeightsChunk& tensors) const override {
    passes_.add_gradient(chunks.size(at.chunk), TensorSource{tensors.x}, TensorSource{tensors.dy},
                         sums_of(at.chunk, tensors.copy), static_cast<float*>(at.scratch));
  }

 private:
  using Passes = depthwise::Passes<Filter>;
  static constexpr int kMaxCopies = 16;  // of the weight gradient; less than twice as many

  template <ConvPass kPass>
  void gather(const ChunkRun& at, const float* from, const void* filters, float* to) const {
    passes_.template gather<kPass>(chunks.size(at.chunk), TensorSource{from},
                                   static_cast<const float*>(filters), to, static_cast<float*>(at.scratch));
  }

  std::size_t scratch_floats() const {
    switch (pass) {
      case ConvPass::forward:
        return passes_.template gather_floats<ConvPass::forward>();
      case ConvPass::backward_data:
        return passes_.template gather_floats<ConvPass::backward_data>();
      case ConvPass::backward_weights:
        break;
    }
    return passes_.gradient_floats();
  }

  // Calls visit(index in [C,1,R,S], index in the part) for every weight of a part.
  template <class Visit>
  void for_each_weight(int part, const Visit& visit) const {
    const int lanes = std::min(kLanes, spec.groups - part * kLanes);
    constexpr int kTaps = Filter::kKernel * Filter::kKernel;
    for (int lane = 0; lane < lanes; ++lane)
      for (int tap = 0; tap < kTaps; ++tap)
        visit(std::size_t(part * kLanes + lane) * kTaps + std::size_t(tap), std::size_t(tap * kLanes + lane));
  }

  Passes passes_;
};

}  // namespace

std::unique_ptr<ChunkedConv> make_depthwise_conv(const ConvSpec& spec, ConvPass pass) {
  std::unique_ptr<ChunkedConv> made;
  depthwise::with_filter_of(
      spec, [&]<class Filter>() { made = std::make_unique<DepthwiseConv<Filter>>(spec, pass); });
  return made;
}

}  // namespace rlnas
