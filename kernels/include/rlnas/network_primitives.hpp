// The primitives of a network's forward and backward pass: convolution, batch norm, sums, pooling, classifier
// and loss. What a primitive is: see primitives.hpp. Activations and their gradients, ConstValues and Values,
// are all of one element type in a call; weights, statistics, sums, pooled features and logits are floats.
#pragma once

#include "rlnas/error.hpp"
#include "rlnas/spec.hpp"

namespace rlnas {

struct RecordedCall;  // recorded_call.hpp

// Per-channel results of a batch-norm forward pass, as they are read: four device arrays of C floats, one
// after the other.
struct ConstBatchNormSaved {
  const float* mean = nullptr;
  const float* inv_std = nullptr;
  const float* scale = nullptr;  // gamma * inv_std
  const float* shift = nullptr;  // beta - mean * scale

  static ConstBatchNormSaved at(const float* base, int channels) {
    return {base, base + channels, base + 2 * channels, base + 3 * channels};
  }
};

// The same as they are written.
struct BatchNormSaved {
  float* mean = nullptr;
  float* inv_std = nullptr;
  float* scale = nullptr;
  float* shift = nullptr;

  static BatchNormSaved at(float* base, int channels) {
    return {base, base + channels, base + 2 * channels, base + 3 * channels};
  }
  operator ConstBatchNormSaved() const { return {mean, inv_std, scale, shift}; }
};

// ---- convolution --------------------------------------------------------------------------------------
struct ConvForward {
  static constexpr const char* kName = "conv_forward";
  static constexpr ConvPass kPass = ConvPass::forward;
  ConvSpec spec = {};
  ConstValues x = nullptr;          // [N,H,W,C]
  const float* w = nullptr;         // [K,C/g,R,S]
  Values y = nullptr;               // [N,P,Q,K]
  const Bf16* rounded_w = nullptr;  // w as RoundWeights made it, for who multiplies bf16; null: made here
  RLNAS_API RecordedCall cost() const;
};

struct ConvBackwardData {
  static constexpr const char* kName = "conv_backward_data";
  static constexpr ConvPass kPass = ConvPass::backward_data;
  ConvSpec spec = {};
  ConstValues dy = nullptr;         // [N,P,Q,K]
  const float* w = nullptr;         // [K,C/g,R,S]
  Values dx = nullptr;              // [N,H,W,C]
  const Bf16* rounded_w = nullptr;  // w as RoundWeights made it, for who multiplies bf16; null: made here
  RLNAS_API RecordedCall cost() const;
};

struct ConvBackwardWeights {
  static constexpr const char* kName = "conv_backward_weights";
  static constexpr ConvPass kPass = ConvPass::backward_weights;
  ConvSpec spec = {};
  ConstValues x = nullptr;   // [N,H,W,C]
  ConstValues dy = nullptr;  // [N,P,Q,K]
  float* dw = nullptr;       // [K,C/g,R,S]
  RLNAS_API RecordedCall cost() const;
};

// ---- batch normalisation ------------------------------------------------------------------------------
// Statistics of x over its rows. The normalised values themselves are made by AffineSum, which can add
// several of them up in the same pass.
struct BatchNormStatistics {
  static constexpr const char* kName = "batch_norm_statistics";
  BatchNormSpec spec = {};
  ConstValues x = nullptr;        // [M,C]
  const float* gamma = nullptr;   // [C], or null for 1
  const float* beta = nullptr;    // [C], or null for 0
  float* running_mean = nullptr;  // [C], updated
  float* running_var = nullptr;   // [C], updated, with the unbiased variance
  BatchNormSaved saved = {};
  RLNAS_API RecordedCall cost() const;
};

struct BatchNormBackward {
  static constexpr const char* kName = "batch_norm_backward";
  BatchNormSpec spec = {};
  ConstValues x = nullptr;   // [M,C]
  ConstValues dy = nullptr;  // [M,C]
  ConstBatchNormSaved saved = {};
  Values dx = nullptr;      // [M,C]; may be dy
  float* dgamma = nullptr;  // [C], or null
  float* dbeta = nullptr;   // [C], or null
  // Of scale*x + shift: dy is the gradient of what it made, and passes back through it here.
  Activation activation = Activation::none;
  RLNAS_API RecordedCall cost() const;
};

// Evaluation mode: `saved` from the running statistics.
struct BatchNormInference {
  static constexpr const char* kName = "batch_norm_inference";
  BatchNormSpec spec = {};
  const float* gamma = nullptr;         // [C], or null for 1
  const float* beta = nullptr;          // [C], or null for 0
  const float* running_mean = nullptr;  // [C]
  const float* running_var = nullptr;   // [C]
  BatchNormSaved saved = {};
  RLNAS_API RecordedCall cost() const;
};

// ---- convolution and batch norm in one ----------------------------------------------------------------
// AffineSum where the spec normalises the input, ConvForward, BatchNormStatistics. That sum belongs to the
// primitive, with its operands, since a backend that makes what a convolution reads chunk by chunk never has
// it in memory; the layer above only asks whether the backend gains by it, and else makes the sum itself.
struct ConvNormForward {
  static constexpr const char* kName = "conv_norm_forward";
  ConvNormSpec spec = {};
  ConstValues x = nullptr;                     // [N,H,W,C]
  ConstBatchNormSaved x_norm = {};             // of x, when the spec normalises it; else unused
  Activation x_activation = Activation::none;  // likewise
  const float* w = nullptr;                    // [K,C/g,R,S]
  Values y = nullptr;                          // [N,P,Q,K], the convolution's output, not normalised
  const float* gamma = nullptr;                // [K], or null for 1
  const float* beta = nullptr;                 // [K], or null for 0
  float* running_mean = nullptr;               // [K], updated
  float* running_var = nullptr;                // [K], updated
  BatchNormSaved saved = {};
  const Bf16* rounded_w = nullptr;  // as in ConvForward
  RLNAS_API RecordedCall cost() const;
};

// The same as AffineSum where the spec normalises the input, BatchNormBackward, ConvBackwardWeights, and
// unless dx is null ConvBackwardData and ActivationBackward. Without dw there is no ConvBackwardWeights.
struct ConvNormBackward {
  static constexpr const char* kName = "conv_norm_backward";
  ConvNormSpec spec = {};
  ConstValues x = nullptr;                     // [N,H,W,C]
  ConstBatchNormSaved x_norm = {};             // as in ConvNormForward
  Activation x_activation = Activation::none;  // dx is the gradient of what it takes
  const float* w = nullptr;                    // [K,C/g,R,S]
  ConstValues y = nullptr;                     // [N,P,Q,K]
  ConstBatchNormSaved saved = {};
  ConstValues dz = nullptr;  // [N,P,Q,K] gradient of the normalised output
  // Of the normalised output, as in BatchNormBackward: none where dz has passed back through it.
  Activation z_activation = Activation::none;
  float* dw = nullptr;             // [K,C/g,R,S], or null
  float* dgamma = nullptr;         // [K], or null
  float* dbeta = nullptr;          // [K], or null
  Values dx = nullptr;             // [N,H,W,C], or null when no gradient is wanted
  Store store = Store::overwrite;  // of dx
  // What the backend has noted of dz, or null, and memory for what it notes of dx (Backend::note_bytes), or
  // null. Only itself knows what that is; no result depends on it but for rounding.
  const void* dz_note = nullptr;
  void* dx_note = nullptr;
  const Bf16* rounded_w = nullptr;  // as in ConvForward
  RLNAS_API RecordedCall cost() const;
};

// ---- element-wise -------------------------------------------------------------------------------------
// s[m,c] = sum over terms of scale[c]*x[m,c] + shift[c] (see AffineTerm). Zero terms give zeros. Outputs may
// not alias a source.
struct AffineSum {
  static constexpr const char* kName = "affine_sum";
  AffineSumSpec spec = {};
  Values sum = nullptr;        // [M,C], or null
  Values activated = nullptr;  // [M,C] = activation(s), or null
  RLNAS_API RecordedCall cost() const;
};

// dx (+)= dy where the activation let the value through; `activated` is its output.
struct ActivationBackward {
  static constexpr const char* kName = "activation_backward";
  Activation activation = Activation::none;
  std::size_t count = 0;
  ConstValues activated = nullptr;  // [count]
  ConstValues dy = nullptr;         // [count]
  Values dx = nullptr;              // [count]
  Store store = Store::overwrite;
  RLNAS_API RecordedCall cost() const;
};

// y (+)= x
struct Add {
  static constexpr const char* kName = "add";
  std::size_t count = 0;
  ConstValues x = nullptr;  // [count]
  Values y = nullptr;       // [count]
  Store store = Store::overwrite;
  RLNAS_API RecordedCall cost() const;
};

struct Fill {
  static constexpr const char* kName = "fill";
  std::size_t count = 0;
  float value = 0.0f;
  Values y = nullptr;  // [count]
  RLNAS_API RecordedCall cost() const;
};

// y (+)= scale * x, each row by its own factor.
struct ScaleRows {
  static constexpr const char* kName = "scale_rows";
  RowScaleSpec spec = {};
  const float* scale = nullptr;  // [M]
  ConstValues x = nullptr;       // [M,C]
  Values y = nullptr;            // [M,C]; may be x when overwritten
  Store store = Store::overwrite;
  RLNAS_API RecordedCall cost() const;
};

// Of each channel the sum of x * dy over the rows: the gradient of a factor of x. Determinism: bit-equal for
// any thread count.
struct ChannelDots {
  static constexpr const char* kName = "channel_dots";
  int rows = 0, channels = 0;
  ConstValues x = nullptr;   // [M,C]
  ConstValues dy = nullptr;  // [M,C]
  float* dots = nullptr;     // [C]
  RLNAS_API RecordedCall cost() const;
};

// ---- rearranging --------------------------------------------------------------------------------------
// y (+)= x over a range of channels: joins tensors along channels, and takes them apart again.
struct CopyChannels {
  static constexpr const char* kName = "copy_channels";
  ChannelCopySpec spec = {};
  ConstValues x = nullptr;  // [M,C of its matrix]
  Values y = nullptr;       // likewise
  Store store = Store::overwrite;
  RLNAS_API RecordedCall cost() const;
};

// y (+)= x with its channels in another order.
struct ShuffleChannels {
  static constexpr const char* kName = "shuffle_channels";
  ChannelShuffleSpec spec = {};
  ConstValues x = nullptr;  // [M,C]
  Values y = nullptr;       // [M,C]
  Store store = Store::overwrite;
  RLNAS_API RecordedCall cost() const;
};

struct SubsampleForward {
  static constexpr const char* kName = "subsample_forward";
  SubsampleSpec spec = {};
  ConstValues x = nullptr;  // [N,H,W,C]
  Values y = nullptr;       // [N,P,Q,C]
  RLNAS_API RecordedCall cost() const;
};

struct SubsampleBackward {
  static constexpr const char* kName = "subsample_backward";
  SubsampleSpec spec = {};
  ConstValues dy = nullptr;  // [N,P,Q,C]
  Values dx = nullptr;       // [N,H,W,C], zero (or as it was) at the pixels that were not picked
  Store store = Store::overwrite;
  RLNAS_API RecordedCall cost() const;
};

// ---- pooling ------------------------------------------------------------------------------------------
// The divisor is the number of pixels inside the image.
struct AvgPoolForward {
  static constexpr const char* kName = "avg_pool_forward";
  PoolSpec spec = {};
  ConstValues x = nullptr;  // [N,H,W,C]
  Values y = nullptr;       // [N,P,Q,C]
  RLNAS_API RecordedCall cost() const;
};

struct AvgPoolBackward {
  static constexpr const char* kName = "avg_pool_backward";
  PoolSpec spec = {};
  ConstValues dy = nullptr;  // [N,P,Q,C]
  Values dx = nullptr;       // [N,H,W,C]
  Store store = Store::overwrite;
  RLNAS_API RecordedCall cost() const;
};

struct MaxPoolForward {
  static constexpr const char* kName = "max_pool_forward";
  PoolSpec spec = {};
  ConstValues x = nullptr;  // [N,H,W,C]
  Values y = nullptr;       // [N,P,Q,C]
  // [N,P,Q,C]: position r*kernel+s of the winner (the first in scan order on ties) in its window
  std::uint8_t* index = nullptr;
  RLNAS_API RecordedCall cost() const;
};

struct MaxPoolBackward {
  static constexpr const char* kName = "max_pool_backward";
  PoolSpec spec = {};
  const std::uint8_t* index = nullptr;  // [N,P,Q,C]
  ConstValues dy = nullptr;             // [N,P,Q,C]
  Values dx = nullptr;                  // [N,H,W,C]
  Store store = Store::overwrite;
  RLNAS_API RecordedCall cost() const;
};

struct GlobalAvgPoolForward {
  static constexpr const char* kName = "global_avg_pool_forward";
  int batch = 0, pixels = 0, channels = 0;
  ConstValues x = nullptr;  // [N,pixels,C]
  float* y = nullptr;       // [N,C]
  RLNAS_API RecordedCall cost() const;
};

struct GlobalAvgPoolBackward {
  static constexpr const char* kName = "global_avg_pool_backward";
  int batch = 0, pixels = 0, channels = 0;
  const float* dy = nullptr;  // [N,C]
  Values dx = nullptr;        // [N,pixels,C]
  RLNAS_API RecordedCall cost() const;
};

// ---- classifier and loss ------------------------------------------------------------------------------
struct LinearForward {
  static constexpr const char* kName = "linear_forward";
  LinearSpec spec = {};
  const float* x = nullptr;     // [N,F]
  const float* w = nullptr;     // [O,F]
  const float* bias = nullptr;  // [O], or null
  float* y = nullptr;           // [N,O]
  RLNAS_API RecordedCall cost() const;
};

struct LinearBackwardData {
  static constexpr const char* kName = "linear_backward_data";
  LinearSpec spec = {};
  const float* dy = nullptr;  // [N,O]
  const float* w = nullptr;   // [O,F]
  float* dx = nullptr;        // [N,F]
  RLNAS_API RecordedCall cost() const;
};

struct LinearBackwardWeights {
  static constexpr const char* kName = "linear_backward_weights";
  LinearSpec spec = {};
  const float* x = nullptr;   // [N,F]
  const float* dy = nullptr;  // [N,O]
  float* dw = nullptr;        // [O,F]
  float* dbias = nullptr;     // [O], or null
  RLNAS_API RecordedCall cost() const;
};

// Label smoothing: target = (1-e)*onehot + e/K.
struct CrossEntropy {
  static constexpr const char* kName = "cross_entropy";
  CrossEntropySpec spec = {};
  const float* logits = nullptr;         // [N,K]
  const std::int32_t* labels = nullptr;  // [N]
  float* dlogits = nullptr;              // [N,K] = d(mean loss)/d(logits), or null
  LossSums* sums = nullptr;              // [1], over the batch
  RLNAS_API RecordedCall cost() const;
};

}  // namespace rlnas
