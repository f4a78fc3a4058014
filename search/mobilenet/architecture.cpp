#include "search/mobilenet/architecture.h"

#include "search/text_cursor.h"

namespace rlnas::mobilenet {
namespace {

constexpr std::array<std::string_view, kOpCount> kOpNames{"k3e3", "k3e6", "k5e3",    "k5e6",
                                                          "k7e3", "k7e6", "identity"};
constexpr std::array<std::string_view, kOpCount> kOpNumbers{"0", "1", "2", "3", "4", "5", "-1"};

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

Op read_op(TextCursor& text, int block) {
  const std::string where = "block " + std::to_string(block);
  if (text.at_end()) text.fail_here("the text ends before " + where + " (21 operations are needed)");
  const std::size_t start = text.position();
  const std::string_view word = text.word(",|[]");
  for (std::size_t op = 0; op < kOpCount; ++op) {
    if (word != kOpNumbers[op] && word != kOpNames[op]) continue;
    if (int(op) >= kBlocks[std::size_t(block)].options())
      text.fail_at(start, "identity in " + where + ", which opens a stage and cannot be left out");
    return Op(op);
  }
  text.fail_at(start, "expected the operation of " + where + ", found '" + std::string(word) +
                          "' (known: 0..5 or k3e3 k3e6 k5e3 k5e6 k7e3 k7e6, -1 or identity)");
}

void read_separator(TextCursor& text, int block) {
  const std::size_t bar = text.position();
  if (!text.take('|'))
    text.take(',');
  else if (!kBlocks[std::size_t(block)].opens_stage)
    text.fail_at(bar, "a bar before block " + std::to_string(block) + ", which does not open a stage");
}

}  // namespace

std::string_view op_name(Op op) {
  return kOpNames[std::size_t(op)];
}

std::string to_string(const Architecture& architecture) {
  std::string text;
  for (std::size_t b = 0; b < kBlockCount; ++b) {
    if (b > 0) text += kBlocks[b].opens_stage ? " | " : " ";
    text += kOpNumbers[std::size_t(architecture.ops[b])];
  }
  return text;
}

std::string drawing(const Architecture& architecture) {
  constexpr int kSide = 224;
  std::string text = "block  operation  channels    side\n";
  for (std::size_t b = 0; b < kBlockCount; ++b) {
    const Block& block = kBlocks[b];
    const int side = kSide / block.reduction;
    if (b > 0 && block.opens_stage) text += '\n';
    text += padded(std::to_string(b), 7) + padded(std::string(op_name(architecture.ops[b])), 11);
    text += padded(std::to_string(block.in) + " -> " + std::to_string(block.out), 12);
    text += std::to_string(side) + " -> " + std::to_string(side / block.stride) + '\n';
  }
  return text;
}

Architecture parse_architecture(std::string_view text) {
  TextCursor cursor(text);
  const bool bracketed = cursor.take('[');
  Architecture architecture;
  for (int b = 0; b < kBlockCount; ++b) {
    if (b > 0) read_separator(cursor, b);
    architecture.ops[std::size_t(b)] = read_op(cursor, b);
  }
  const std::string last = "block " + std::to_string(kBlockCount - 1);
  if (bracketed) cursor.expect(']', "after " + last);
  if (!cursor.at_end()) cursor.fail_here("unexpected text after the operation of " + last + ", the last one");
  return architecture;
}

}  // namespace rlnas::mobilenet
