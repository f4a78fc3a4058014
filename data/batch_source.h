// What the trainer takes its batches from: a pure function of (epoch, step), so that there is no state to
// save and a resumed run sees what an uninterrupted one would. Twice: BatchLoader, over images in memory, and
// ImageLoader, which decodes files as it goes. Pixels stay uint8; the backend flips, shifts and normalises.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "rlnas/spec.hpp"

namespace rlnas {

struct HostBatch {
  int epoch = 0;
  int step = 0;                        // within the epoch
  int count = 0;                       // of this rank
  int global_count = 0;                // over all ranks
  std::vector<std::uint8_t> images;    // [count, height, width, 3], not yet flipped
  std::vector<AugmentParams> params;   // [count]
  std::vector<std::int32_t> labels;    // [count]
  std::vector<std::uint32_t> indices;  // [count], into the data set
};

// On the 0..255 scale of the pixels.
struct Normalisation {
  std::array<float, 3> mean{};
  std::array<float, 3> std{};
};

// Pixels over 255 and no more: what the published ImageNet SuperNets train on.
inline constexpr Normalisation kUnitRange{{0.0f, 0.0f, 0.0f}, {255.0f, 255.0f, 255.0f}};
// torchvision's .485 .456 .406, .229 .224 .225.
inline constexpr Normalisation kImagenetNormalisation{{123.675f, 116.28f, 103.53f},
                                                      {58.395f, 57.12f, 57.375f}};
// The DARTS family's .49139968 .48215827 .44653124, .24703233 .24348505 .26158768 (method.md 4.2).
inline constexpr Normalisation kDartsCifarNormalisation{{125.3069184f, 122.95035885f, 113.8654662f},
                                                        {62.99324415f, 62.08868775f, 66.7048584f}};

struct ImageFormat {
  int height = 0;
  int width = 0;
  Normalisation normalisation;
};

class BatchSource {
 public:
  virtual ~BatchSource() = default;
  virtual int steps_per_epoch() const = 0;
  virtual ImageFormat format() const = 0;

  // Fills `batch` with step `step` of epoch `epoch`; its vectors keep their capacity.
  // Errors: run_failed for a step or epoch out of range; data for images that cannot be read.
  // Threads: may be called from several at once.
  virtual void fill(int epoch, int step, HostBatch& batch) const = 0;
};

}  // namespace rlnas
