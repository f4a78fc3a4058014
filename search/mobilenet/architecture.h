// One architecture of the MobileNet space (ProxylessNAS-GPU style): an operation for each of 21 choice
// blocks, and its names. The published text writes -1 for an identity; as a gene it is option 6. Source:
// method.md 6, 15.4.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace rlnas::mobilenet {

// Inverted residuals by kernel size and expansion; identity leaves the block out.
enum class Op : std::int8_t { k3e3, k3e6, k5e3, k5e6, k7e3, k7e6, identity };
inline constexpr int kConvOpCount = 6;
inline constexpr int kOpCount = 7;

constexpr int kernel_size(Op op) {
  return 3 + 2 * (int(op) / 2);
}
constexpr int expansion(Op op) {
  return int(op) % 2 == 0 ? 3 : 6;
}
std::string_view op_name(Op op);  // "k3e3" ... "k7e6", "identity"

struct Stage {
  int channels = 0;
  int blocks = 0;
  int stride = 1;  // of its first block
};
inline constexpr std::array<Stage, 6> kStages{
    {{32, 4, 2}, {56, 4, 2}, {112, 4, 2}, {128, 4, 1}, {256, 4, 2}, {432, 1, 1}}};
inline constexpr int kBlockCount = 21;
inline constexpr int kFirstBlockChannels = 24;  // of the fixed block before the choices
inline constexpr int kFirstBlockReduction = 2;  // side of an image over side of the first choice's input

struct Block {
  int in = 0;
  int out = 0;
  int stride = 1;
  int reduction = 1;  // side of the image over side of the block's input: 224 px -> 224 / reduction
  bool opens_stage = false;

  // A block that opens a stage changes the shape and cannot be left out.
  constexpr int options() const { return opens_stage ? kConvOpCount : kOpCount; }
};

constexpr std::array<Block, kBlockCount> make_blocks() {
  std::array<Block, kBlockCount> blocks{};
  int in = kFirstBlockChannels, reduction = kFirstBlockReduction;
  std::size_t at = 0;
  for (const Stage& stage : kStages) {
    for (int b = 0; b < stage.blocks; ++b) {
      const int stride = b == 0 ? stage.stride : 1;
      blocks[at++] = {in, stage.channels, stride, reduction, b == 0};
      in = stage.channels;
      reduction *= stride;
    }
  }
  return blocks;
}
inline constexpr std::array<Block, kBlockCount> kBlocks = make_blocks();

struct Architecture {
  std::array<Op, kBlockCount> ops{};

  friend bool operator==(const Architecture&, const Architecture&) = default;
};

// "2 0 -1 2 | 2 0 2 4 | ...": a bar before each stage but the first.
std::string to_string(const Architecture& architecture);

// One line per block: its operation, channels and sides at 224 px.
std::string drawing(const Architecture& architecture);

// Reads 21 operations, as numbers (-1..5) or names, separated by spaces or commas, with or without the bars,
// bare or in square brackets. Errors: usage, saying at which character and what was expected there.
Architecture parse_architecture(std::string_view text);

}  // namespace rlnas::mobilenet
