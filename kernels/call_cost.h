// What a call of each backend primitive costs on paper: a line about its shape, its floating-point operations
// and its compulsory memory traffic. The dry backend writes these down, the profiling backend sets measured
// time against them; both read the one formula here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "kernels/backend.h"

namespace rlnas {

struct RecordedCall {
  std::string primitive;                             // "conv_forward"
  std::string shape;                                 // "[64,32,32,16] 3x3 s1 -> 16"
  std::uint64_t flops = 0;                           // 2 per multiply-accumulate
  std::uint64_t bytes = 0;                           // compulsory traffic: every operand once
  std::optional<ConvSpec> conv = std::nullopt;       // of the convolutions
  std::optional<ConvPass> pass = std::nullopt;       // of a convolution alone
  std::optional<PoolSpec> pool = std::nullopt;       // of the pooling passes
  std::optional<BatchNormSpec> norm = std::nullopt;  // of a batch norm alone
};

// One function for each primitive (or family), with the arguments that its cost depends on.
namespace calls {

RecordedCall copy(const char* primitive, std::size_t bytes);  // "upload" or "download"
RecordedCall conv(const ConvSpec& spec, ConvPass pass);
RecordedCall batch_norm_statistics(const BatchNormSpec& spec);
RecordedCall batch_norm_backward(const BatchNormSpec& spec);
RecordedCall batch_norm_inference(const BatchNormSpec& spec);
// The flops are those of the primitives that the fused pass stands for, the bytes those of a pass that reads
// and writes each operand once.
RecordedCall conv_norm_forward(const ConvNormSpec& spec);
RecordedCall conv_norm_backward(const ConvNormSpec& spec, const ConvNormBackward& operands);
RecordedCall affine_sum(const AffineSumSpec& spec, int outputs);
RecordedCall activation_backward(std::size_t count, Store store);
RecordedCall add(std::size_t count, Store store);
RecordedCall fill(std::size_t count);
RecordedCall scale_rows(const RowScaleSpec& spec, Store store);
RecordedCall copy_channels(const ChannelCopySpec& spec, Store store);
RecordedCall subsample_forward(const SubsampleSpec& spec);
RecordedCall subsample_backward(const SubsampleSpec& spec, Store store);
RecordedCall avg_pool_forward(const PoolSpec& spec);
RecordedCall avg_pool_backward(const PoolSpec& spec, Store store);
RecordedCall max_pool_forward(const PoolSpec& spec);
RecordedCall max_pool_backward(const PoolSpec& spec, Store store);
RecordedCall global_avg_pool(const char* primitive, int batch, int pixels, int channels);
RecordedCall linear(const char* primitive, const LinearSpec& spec);
RecordedCall cross_entropy(const CrossEntropySpec& spec);
RecordedCall augment_images(const AugmentSpec& spec);

// Elements of the flat weight buffer in each state. Full blocks with a gradient are what a caller assumes who
// cannot read the table.
struct SgdElements {
  std::uint64_t sampled = 0;
  std::uint64_t coasting = 0;  // their gradient is not read

  static SgdElements of_full_blocks(int block_count) {
    return {.sampled = std::uint64_t(block_count) * std::uint64_t(SegmentBlock::kBlockElements)};
  }
};
RecordedCall gradient_norm(int block_count, std::uint64_t elements);
RecordedCall sgd_step(int block_count, const SgdElements& elements);
RecordedCall angle_sums(int block_count, std::uint64_t elements);

}  // namespace calls
}  // namespace rlnas
