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

  void run_chunk(int, int chunk, const float* in_side, const void* weights, const float* out_side, void*,
                 const FloatRange& next) const override {
    const int rows = chunks.size(chunk) * spec.in_width;
    const float* const packed = static_cast<const float*>(weights);
    switch (pass) {
      case ConvPass::forward:
        return pointwise::multiply_rows(rows, in_side, inputs(), packed, const_cast<float*>(out_side),
                                        outputs(), next);
      case ConvPass::backward_data:
        return pointwise::multiply_rows(rows, out_side, inputs(), packed, const_cast<float*>(in_side),
                                        outputs(), next);
      case ConvPass::backward_weights:
        return pointwise::add_gradient(rows, in_side, inputs(), out_side, outputs(),
                                       static_cast<float*>(const_cast<void*>(weights)),
                                       starts_copy(chunk) ? Store::overwrite : Store::accumulate, next);
    }
  }

 private:
  // At most so many copies of the weight gradient: each is summed up into a cache once more.
  static constexpr int kCopies = 8, kSmallCopies = 16;
  static constexpr std::size_t kSmallBytes = 32 * 1024;
  static constexpr int kPartOutputs = 32;  // blocks that begin in so many channels are a part

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
