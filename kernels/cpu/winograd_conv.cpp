#include "kernels/cpu/winograd_conv.h"

#include "kernels/cpu/winograd.h"
#include "kernels/round_up.h"

namespace rlnas {
namespace {

// Transformed weights are four times as large as the filters: worth making for this many images, and their
// gradient worth a copy of its own for so many.
constexpr int kMinImages = 16;
constexpr int kImagesPerCopy = 16;

class WinogradConv final : public ChunkedConv {
 public:
  WinogradConv(const ConvSpec& conv_spec, ConvPass conv_pass) : ChunkedConv(conv_spec, conv_pass) {
    if (pass == ConvPass::backward_weights) chunks_per_unit = std::max(1, kImagesPerCopy / chunks.images);
    weights_bytes = whole_pages(winograd_weight_bytes(spec));
    scratch_bytes = whole_pages(winograd_scratch_bytes(spec, pass, chunks.images));
  }

  const char* implementation() const override { return "rlnas:winograd"; }
  int weight_parts() const override { return winograd_weight_parts(spec, pass); }

  void load_weights(int part, const float* w, void* loaded) const override {
    winograd_transform_weights(spec, pass, part, w, static_cast<float*>(loaded));
  }

  void run_chunk(int, int chunk, const float* in_side, const void* weights, const float* out_side,
                 void* scratch, const FloatRange&) const override {
    const int images = chunks.size(chunk);
    const auto transformed = static_cast<const float*>(weights);
    switch (pass) {
      case ConvPass::forward:
        return winograd_run(spec, pass, images, in_side, transformed, const_cast<float*>(out_side), scratch);
      case ConvPass::backward_data:
        return winograd_run(spec, pass, images, out_side, transformed, const_cast<float*>(in_side), scratch);
      case ConvPass::backward_weights:
        return winograd_accumulate(spec, images, in_side, out_side, sums_of(chunk, weights), scratch);
    }
  }

  void store_weights(int part, const void* sum, float* dw) const override {
    winograd_finish_weights(spec, part, static_cast<const float*>(sum), dw);
  }
};

}  // namespace

bool winograd_gains(const ConvSpec& spec, ConvPass pass) {
  return spec.batch >= (pass == ConvPass::backward_weights ? 2 * kImagesPerCopy : kMinImages);
}

std::unique_ptr<ChunkedConv> make_winograd_conv(const ConvSpec& spec, ConvPass pass) {
  return winograd_supports(spec) ? std::make_unique<WinogradConv>(spec, pass) : nullptr;
}

}  // namespace rlnas
