// Plain descriptions of the problems the backends solve. Letters used in every shape comment:
//   N batch, H/W input rows/columns, P/Q output rows/columns, C input channels, K output channels,
//   R/S filter rows/columns, M = rows of a channels-last matrix (N*H*W), F features.
// Activations are channels-last (NHWC) on every backend; convolution weights are OIHW = [K, C/groups, R, S].
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "rlnas/values.hpp"

namespace rlnas {

struct ConvSpec {
  int batch = 0;
  int in_channels = 0;
  int in_height = 0;
  int in_width = 0;
  int out_channels = 0;
  int kernel = 1;  // square filters only: no search space here has others
  int stride = 1;
  int padding = 0;
  int dilation = 1;
  int groups = 1;

  constexpr int out_size(int in) const {
    return (in + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1;
  }
  constexpr int out_height() const { return out_size(in_height); }
  constexpr int out_width() const { return out_size(in_width); }
  constexpr std::size_t in_count() const { return std::size_t(batch) * in_height * in_width * in_channels; }
  constexpr std::size_t out_count() const {
    return std::size_t(batch) * out_height() * out_width() * out_channels;
  }
  constexpr std::size_t weight_count() const {
    return std::size_t(out_channels) * (in_channels / groups) * kernel * kernel;
  }
  // Multiply-accumulates of one forward pass over the whole batch.
  constexpr std::size_t macs() const { return out_count() * (in_channels / groups) * kernel * kernel; }

  friend constexpr bool operator==(const ConvSpec&, const ConvSpec&) = default;
};

enum class ConvPass { forward, backward_data, backward_weights };

struct PoolSpec {
  int batch = 0;
  int channels = 0;
  int in_height = 0;
  int in_width = 0;
  int kernel = 3;
  int stride = 1;
  int padding = 1;  // padding never counts in an average and never wins a maximum

  constexpr int out_size(int in) const { return (in + 2 * padding - kernel) / stride + 1; }
  constexpr int out_height() const { return out_size(in_height); }
  constexpr int out_width() const { return out_size(in_width); }
  constexpr std::size_t in_count() const { return std::size_t(batch) * in_height * in_width * channels; }
  constexpr std::size_t out_count() const {
    return std::size_t(batch) * out_height() * out_width() * channels;
  }
};

// A range of the channels of [M, C] matrices. The pointers that go with it are at the range's first channel.
struct ChannelCopySpec {
  int rows = 0;         // M
  int channels = 0;     // of the range
  int from_stride = 0;  // values from a row to the next, which is the C of each matrix
  int to_stride = 0;
};

// The channels of an [M, C] matrix in another order: channel i of group g, of C / groups each, becomes
// channel i * groups + g (ShuffleNet's shuffle). The way back has C / groups groups.
struct ChannelShuffleSpec {
  int rows = 0;  // M
  int channels = 0;
  int groups = 1;

  constexpr std::size_t count() const { return std::size_t(rows) * std::size_t(channels); }
  constexpr ChannelShuffleSpec inverse() const { return {rows, channels, channels / groups}; }
};

// An [M, C] matrix whose rows are scaled one by one: M = N for samples, and C = 1 for single values.
struct RowScaleSpec {
  int rows = 0;              // M
  std::int64_t columns = 0;  // C

  constexpr std::size_t count() const { return std::size_t(rows) * std::size_t(columns); }
};

// Every stride-th pixel of each row and column, from `offset` on.
struct SubsampleSpec {
  int batch = 0;
  int channels = 0;
  int in_height = 0;
  int in_width = 0;
  int stride = 2;
  int offset = 0;

  constexpr int out_size(int in) const { return (in - offset + stride - 1) / stride; }
  constexpr int out_height() const { return out_size(in_height); }
  constexpr int out_width() const { return out_size(in_width); }
  constexpr std::size_t in_count() const { return std::size_t(batch) * in_height * in_width * channels; }
  constexpr std::size_t out_count() const {
    return std::size_t(batch) * out_height() * out_width() * channels;
  }
};

// Batch normalisation of an [M, C] matrix over its rows.
struct BatchNormSpec {
  int rows = 0;      // M = N*H*W
  int channels = 0;  // C
  float epsilon = 1e-5f;
  float momentum = 0.1f;  // weight of the new value in the running statistics

  constexpr std::size_t count() const { return std::size_t(rows) * channels; }
};

// A convolution whose output is batch-normalised.
struct ConvNormSpec {
  ConvSpec conv;
  float epsilon = 1e-5f;
  float momentum = 0.1f;
  // The input is a batch norm's that was not applied: the convolution reads activation(scale*x + shift).
  bool normalises_input = false;

  constexpr BatchNormSpec norm() const {
    return {conv.batch * conv.out_height() * conv.out_width(), conv.out_channels, epsilon, momentum};
  }
};

enum class Activation { none, relu, relu6 };

// Whether a gradient is written or added to what is there.
enum class Store { overwrite, accumulate };

// One source of affine_sum: scale[c] * x[m, c] + shift[c]; a null scale means x as it is, or when `averaged`
// the mean of the 3x3 pixels around m that lie inside the image.
struct AffineTerm {
  ConstValues x = nullptr;       // [M, C]
  const float* scale = nullptr;  // [C] or null
  const float* shift = nullptr;  // [C], null exactly when scale is
  bool averaged = false;         // never with a scale
};

struct AffineSumSpec {
  static constexpr int kMaxTerms = 8;
  int rows = 0;  // M = N*H*W
  int channels = 0;
  int height = 0, width = 0;  // H, W: needed by averaged terms alone
  int term_count = 0;
  std::array<AffineTerm, kMaxTerms> terms{};
  Activation activation = Activation::none;
};

struct LinearSpec {
  int batch = 0;
  int in_features = 0;
  int out_features = 0;
};

struct CrossEntropySpec {
  int batch = 0;
  int classes = 0;
  float label_smoothing = 0.0f;
};

// Sum over the batch, as written to device memory by cross_entropy.
struct LossSums {
  double loss = 0.0;
  std::int64_t correct = 0;
};

// A run of elements of the flat weight buffer that lies in one segment. Segments are cut into blocks of
// at most kBlockElements so that work is even and every reduction has a fixed order.
struct SegmentBlock {
  static constexpr std::int64_t kBlockElements = 8192;
  std::int64_t offset = 0;   // first element, in floats from the start of the flat buffer
  std::int32_t count = 0;    // elements, 1..kBlockElements
  std::int32_t segment = 0;  // index into the segment table
};

// What the optimiser does with a segment in this step (method.md 2.3).
enum class SegmentState : std::uint8_t {
  untouched,  // never sampled: left alone
  sampled,    // has a gradient in this step
  coasting,   // not sampled now: its gradient counts as zero, decay and momentum go on
  // The same for segments that weight decay leaves alone.
  sampled_undecayed,
  coasting_undecayed,
};
constexpr bool has_gradient(SegmentState state) {
  return state == SegmentState::sampled || state == SegmentState::sampled_undecayed;
}
constexpr bool decays(SegmentState state) {
  return state == SegmentState::sampled || state == SegmentState::coasting;
}

// In device memory, as written by gradient_norm.
struct GradientNorm {
  double norm = 0.0;   // L2, over the sampled segments
  double scale = 1.0;  // min(1, max_norm / (norm + 1e-6)), as torch's clip_grad_norm_
};

constexpr GradientNorm scaled_to(double max_norm, double norm) {
  const double wanted = max_norm / (norm + 1e-6);
  return {norm, wanted > 1.0 ? 1.0 : wanted};
}

// What happens to a gradient before the update.
struct GradientClip {
  float limit = std::numeric_limits<float>::infinity();  // on |g| of each element, after the norm's scale
  const GradientNorm* norm = nullptr;                    // [1] in device memory, or null
};

struct SgdSpec {
  float learning_rate = 0.0f;
  float momentum = 0.9f;
  float weight_decay = 0.0f;
  bool nesterov = false;
  GradientClip clip{};
};

// The three sums that decide an angle, per segment.
struct AngleSums {
  double dot = 0.0;       // w0 . wT
  double norm0_sq = 0.0;  // |w0|^2
  double norm1_sq = 0.0;  // |wT|^2

  AngleSums& operator+=(const AngleSums& other) {
    dot += other.dot;
    norm0_sq += other.norm0_sq;
    norm1_sq += other.norm1_sq;
    return *this;
  }
};

// A segment of more pieces than one group holds: its sums are put together from those of its groups.
struct AngleSpan {
  std::int32_t segment = 0;
  std::int32_t first_group = 0;
  std::int32_t group_count = 0;
};

// The flat buffer as a GPU's warps take it, in device memory; angle_pieces.h makes it of the blocks. Pieces
// follow each other in the order of the segments, an empty segment as one piece of no element; kGroupPieces
// of them are a group, whatever their segments.
struct AnglePieces {
  static constexpr int kPieceElements = 1024;
  static constexpr int kGroupPieces = 8;
  const SegmentBlock* pieces = nullptr;  // [piece_count], of at most kPieceElements
  int piece_count = 0;
  const AngleSpan* spans = nullptr;  // [span_count]
  int span_count = 0;

  int group_count() const { return (piece_count + kGroupPieces - 1) / kGroupPieces; }
};

// uint8 NHWC images -> normalised float NHWC, after an optional flip and a shifted crop with zero padding.
struct AugmentSpec {
  static constexpr int kChannels = 3;
  int batch = 0;
  int height = 0;
  int width = 0;
  std::array<float, kChannels> mean{};     // on the 0..255 scale
  std::array<float, kChannels> inv_std{};  // likewise
  int cutout = 0;                          // side of a square that is blanked; 0: none
};

// The published order: flip first, then crop. out(y, x) = flipped(y + shift_y, x + shift_x), and zero
// *before* normalisation outside the image (the crop pads pixels with 0). Cutout comes last: outputs of rows
// cutout_y - cutout/2 up to cutout_y + cutout/2, that one not included, and likewise columns, are zero.
struct AugmentParams {
  std::int16_t shift_y = 0;  // -padding..padding
  std::int16_t shift_x = 0;
  std::int16_t flip = 0;  // 0 or 1
  std::int16_t cutout_y = 0, cutout_x = 0;
};

}  // namespace rlnas
