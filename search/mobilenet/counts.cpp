#include "search/mobilenet/counts.h"

#include "kernels/check.h"

namespace rlnas::mobilenet {
namespace {

constexpr std::int64_t kInputChannels = 3;
constexpr std::int64_t kStemArea = 9;  // 3x3, and so is the first block's depthwise convolution
constexpr std::int64_t kLastChannels = kStages.back().channels;
constexpr int kTotalReduction = 32;  // side of an image over side of the last feature map

constexpr std::int64_t square(std::int64_t x) {
  return x * x;
}

void check_classes(int classes) {
  RLNAS_CHECK(classes > 0, usage, "--classes ", classes, ": must be positive");
}

// Weights of the five convolutions and the classifier that every architecture has.
std::int64_t fixed_weights(int classes) {
  return kInputChannels * kStemArea * kStemChannels + kStemArea * kStemChannels +
         std::int64_t(kStemChannels) * kFirstBlockChannels + kLastChannels * kHeadChannels +
         std::int64_t(kHeadChannels) * classes;
}

// The three convolutions of an inverted residual.
struct Residual {
  std::int64_t in, hidden, out, kernel_area;

  Residual(const Block& block, Op op)
      : in(block.in),
        hidden(std::int64_t(expansion(op)) * block.in),
        out(block.out),
        kernel_area(square(kernel_size(op))) {}
  std::int64_t weights() const { return in * hidden + kernel_area * hidden + hidden * out; }
};

template <class Count>
CountTable table_of(std::int64_t fixed, Count count) {
  CountTable table;
  table.fixed = fixed;
  for (std::size_t b = 0; b < kBlockCount; ++b) {
    for (int op = 0; op < kConvOpCount; ++op) {
      table.op[b][std::size_t(op)] = count(kBlocks[b], Residual(kBlocks[b], Op(op)));
    }
  }
  return table;
}

}  // namespace

CountTable flops_table(int classes, int image_size) {
  check_classes(classes);
  RLNAS_CHECK(image_size > 0 && image_size % kTotalReduction == 0, usage, "--image-size ", image_size,
              ": must be a positive multiple of ", kTotalReduction);
  const std::int64_t stem_pixels = square(image_size / kFirstBlockReduction);
  const std::int64_t stem = stem_pixels * (kInputChannels * kStemArea * kStemChannels +
                                           kStemArea * kStemChannels + kStemChannels * kFirstBlockChannels);
  const std::int64_t head = square(image_size / kTotalReduction) * kLastChannels * kHeadChannels;
  return table_of(stem + head + (2 * kHeadChannels - 1) * std::int64_t(classes),
                  [image_size](const Block& block, const Residual& conv) {
                    const std::int64_t side = image_size / block.reduction;
                    return square(side) * conv.in * conv.hidden +
                           square(side / block.stride) *
                               (conv.kernel_area * conv.hidden + conv.hidden * conv.out);
                  });
}

CountTable params_table(int classes) {
  check_classes(classes);
  const std::int64_t batch_norms = 2 * (2 * kStemChannels + kFirstBlockChannels + kHeadChannels);
  return table_of(fixed_weights(classes) + batch_norms + classes, [](const Block&, const Residual& conv) {
    return conv.weights() + 2 * (2 * conv.hidden + conv.out);
  });
}

CountTable length_table(int classes) {
  check_classes(classes);
  CountTable table = table_of(fixed_weights(classes), [](const Block&, const Residual& conv) {
    return conv.weights() + 2 * (2 * conv.hidden);
  });
  for (std::size_t b = 0; b < kBlockCount; ++b) {
    if (!kBlocks[b].opens_stage) table.op[b][std::size_t(Op::identity)] = square(kBlocks[b].in);
  }
  return table;
}

}  // namespace rlnas::mobilenet
