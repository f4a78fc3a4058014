#include "kernels/cpu/pointwise_conv.h"

#include <algorithm>

#include "kernels/cpu/pointwise_rows.h"
#include "kernels/round_up.h"

namespace rlnas {
namespace {

// Images of a row of pixels, which are whole tiles where that is possible.
ConvSpec with_small_images(ConvSpec spec) {
  const int pixels = spec.batch * spec.in_height * spec.in_width;
  spec.in_height = 1;
  spec.in_width = pixels % 8 == 0 ? 8 : 1;
  spec.batch = pixels / spec.in_width;
  return spec;
}

class PointwiseConv final : public ChunkedConv {
 public:
  PointwiseConv(const ConvSpec& conv_spec, ConvPass conv_pass)
      : ChunkedConv(with_small_images(conv_spec), conv_pass) {
    weights_bytes = whole_pages(spec.weight_count() * sizeof(float));
    if (pass != ConvPass::backward_weights) return;
    const int copies = weights_bytes > kSmallBytes ? kCopies : kSmallCopies;
    chunks_per_unit = (chunks.count() + copies - 1) / copies;
  }

  const char* implementation() const override { return "rlnas:pointwise"; }
  int weight_parts() const override { return (outputs() + kPartOutputs - 1) / kPartOutputs; }

  void load_weights(int part, const float* w, void* loaded) const override {
    float* const packed = static_cast<float*>(loaded);
    for_each_weight(part, [&](std::int64_t plain, std::int64_t at) { packed[at] = w[plain]; });
  }

  void store_weights(int part, const void* sum, float* dw) const override {
    const float* const packed = static_cast<const float*>(sum);
    for_each_weight(part, [&](std::int64_t plain, std::int64_t at) { dw[plain] = packed[at]; });
  }

  void run_chunk(const ChunkRun& at, const ForwardChunk& tensors) const override {
    pointwise::multiply_rows(rows(at), tensors.x, inputs(), static_cast<const float*>(tensors.weights),
                             tensors.y, outputs(), at.next);
  }

  void run_chunk(const ChunkRun& at, const BackwardDataChunk& tensors) const override {
    pointwise::multiply_rows(rows(at), tensors.dy, inputs(), static_cast<const float*>(tensors.weights),
                             tensors.dx, outputs(), at.next);
  }

  void run_chunk(const ChunkRun& at, const BackwardWeightsChunk& tensors) const override {
    pointwise::add_gradient(rows(at), tensors.x, inputs(), tensors.dy, outputs(),
                            static_cast<float*>(tensors.copy),
                            starts_copy(at.chunk) ? Store::overwrite : Store::accumulate, at.next);
  }

 private:
  // At most so many copies of the weight gradient: each is summed up into a cache once more.
  static constexpr int kCopies = 8, kSmallCopies = 16;
  static constexpr std::size_t kSmallBytes = 32 * 1024;
  static constexpr int kPartOutputs = 32;  // blocks that begin in so many channels are a part

  int rows(const ChunkRun& at) const { return chunks.size(at.chunk) * spec.in_width; }
  // Of the product of matrices: for the gradient of x the output channels are summed over.
  int inputs() const { return pass == ConvPass::backward_data ? spec.out_channels : spec.in_channels; }
  int outputs() const { return pass == ConvPass::backward_data ? spec.in_channels : spec.out_channels; }

  // Calls visit(index in [K,C,1,1], index as packed) for every weight of a part.
  template <class Visit>
  void for_each_weight(int part, const Visit& visit) const {
    const int in = inputs();
    const bool transposed = pass == ConvPass::backward_data;
    pointwise::for_output_blocks(outputs(), [&]<class V, int N>(int block) {
      if (block / kPartOutputs != part) return;
      constexpr int kBlock = N * kWidth<V>;
      for (int i = 0; i < in; ++i)
        for (int lane = 0; lane < kBlock; ++lane) {
          const std::int64_t out = block + lane;
          visit(transposed ? i * std::int64_t(spec.in_channels) + out : out * in + i,
                std::int64_t(block) * in + i * kBlock + lane);
        }
    });
  }
};

}  // namespace

std::unique_ptr<ChunkedConv> make_pointwise_conv(const ConvSpec& spec, ConvPass pass) {
  if (spec.kernel != 1 || spec.stride != 1 || spec.padding != 0 || spec.groups != 1) return nullptr;
  return std::make_unique<PointwiseConv>(spec, pass);
}

}  // namespace rlnas
