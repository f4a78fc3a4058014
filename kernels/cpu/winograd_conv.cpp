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

  void run_chunk(const ChunkRun& at, const ForwardChunk& tensors) const override {
    winograd_run(spec, pass, chunks.size(at.chunk), tensors.x, static_cast<const float*>(tensors.weights),
                 tensors.y, at.scratch);
  }

  void run_chunk(const ChunkRun& at, const BackwardDataChunk& tensors) const override {
    winograd_run(spec, pass, chunks.size(at.chunk), tensors.dy, static_cast<const float*>(tensors.weights),
                 tensors.dx, at.scratch);
  }

  void run_chunk(const ChunkRun& at, const BackwardWeightsChunk& tensors) const override {
    winograd_accumulate(spec, chunks.size(at.chunk), tensors.x, tensors.dy, sums_of(at.chunk, tensors.copy),
                        at.scratch);
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
