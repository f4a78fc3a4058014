// The primitives around a network's own: passes over the flat weight buffer, and the input images. What a
// primitive is: see primitives.hpp.
#pragma once

#include <array>

#include "rlnas/error.hpp"
#include "rlnas/spec.hpp"

namespace rlnas {

struct RecordedCall;  // recorded_call.hpp

// ---- the flat weight buffer ---------------------------------------------------------------------------
// The table of blocks lies on the device: cost() takes every block as full and sampled, cost(elements) is for
// callers who have read it.
// Elements of the buffer in each state: what the costs of passes over it depend on.
struct BufferElements {
  std::uint64_t sampled = 0;
  std::uint64_t coasting = 0;  // their gradient is not read
};

// The gradient stays as it is: SgdStep applies the scale as it reads. A norm that is not finite gives a scale
// that is not. Determinism: bit-equal for any thread count.
struct TakeGradientNorm {
  static constexpr const char* kName = "gradient_norm";
  const SegmentBlock* blocks = nullptr;  // [block_count]
  int block_count = 0;
  const SegmentState* states = nullptr;  // [segments]
  const float* gradient = nullptr;       // the flat buffer
  float max_norm = 0.0f;
  GradientNorm* norm = nullptr;  // [1]
  RLNAS_API RecordedCall cost() const;
  RLNAS_API RecordedCall cost(const BufferElements& elements) const;
};

// One pass: g' = clip(g) + wd*w; m = mu*m + g'; w -= lr*(nesterov ? g' + mu*m : m), by the state of each
// block's segment; the gradient of a coasting segment is taken as zero and not read. (PyTorch's first-step
// rule m = g' is the same, since m starts at zero.)
struct SgdStep {
  static constexpr const char* kName = "sgd_step";
  SgdSpec spec = {};
  const SegmentBlock* blocks = nullptr;  // [block_count]
  int block_count = 0;
  const SegmentState* states = nullptr;  // [segments]
  const float* gradient = nullptr;       // flat buffers
  float* momentum = nullptr;
  float* weights = nullptr;
  RLNAS_API RecordedCall cost() const;
  RLNAS_API RecordedCall cost(const BufferElements& elements) const;
};

// The three sums of (w0, w1) over each segment's blocks, 0 where it has none, of one w0 and several w1, for
// which w0 is read once. Blocks of a segment must be adjacent in the table, and pieces be made of the same
// table. Determinism: bit-equal for any thread count, and for a w1 alone or among others.
struct TakeAngleSums {
  static constexpr const char* kName = "angle_sums";
  static constexpr int kMaxCheckpoints = 16;
  const SegmentBlock* blocks = nullptr;  // [block_count]
  int block_count = 0;
  AnglePieces pieces;
  int segment_count = 0;
  const float* w0 = nullptr;  // flat buffers
  std::array<const float*, kMaxCheckpoints> w1{};
  int checkpoint_count = 1;
  AngleSums* sums = nullptr;  // [checkpoint_count, segment_count]
  RLNAS_API RecordedCall cost() const;
  RLNAS_API RecordedCall cost(const BufferElements& elements) const;
};

// Weights as matrix products of bf16 take them, for a whole network at once.
struct RoundWeights {
  static constexpr const char* kName = "round_weights";
  std::size_t count = 0;
  const float* weights = nullptr;  // [count]
  Bf16* rounded = nullptr;         // [count]
  RLNAS_API RecordedCall cost() const;
};

// ---- input --------------------------------------------------------------------------------------------
struct AugmentImages {
  static constexpr const char* kName = "augment_images";
  AugmentSpec spec = {};
  const std::uint8_t* images = nullptr;   // [N,H,W,3]
  const AugmentParams* params = nullptr;  // [N]
  Values y = nullptr;                     // [N,H,W,3]
  RLNAS_API RecordedCall cost() const;
};

}  // namespace rlnas
