#include "search/mobilenet/architecture.h"

#include <cctype>

#include "kernels/check.h"

namespace rlnas::mobilenet {
namespace {

constexpr std::array<std::string_view, kOpCount> kOpNames{"k3e3", "k3e6", "k5e3",    "k5e6",
                                                          "k7e3", "k7e6", "identity"};
constexpr std::array<std::string_view, kOpCount> kOpNumbers{"0", "1", "2", "3", "4", "5", "-1"};

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

// A cursor over the text that fails with the position and what it wanted.
class ArchitectureReader {
 public:
  explicit ArchitectureReader(std::string_view text) : text_(text) {}

  Architecture read() {
    skip_space();
    const bool bracketed = take('[');
    Architecture architecture;
    for (int b = 0; b < kBlockCount; ++b) {
      if (b > 0) read_separator(b);
      architecture.ops[std::size_t(b)] = read_op(b);
    }
    skip_space();
    if (bracketed && !take(']')) fail_here("expected ']' after block " + std::to_string(kBlockCount - 1));
    skip_space();
    if (at_ < text_.size()) {
      fail_here("unexpected text after the operation of block " + std::to_string(kBlockCount - 1) +
                ", the last one");
    }
    return architecture;
  }

 private:
  void skip_space() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }
  bool take(char wanted) {
    if (at_ == text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }
  void read_separator(int block) {
    skip_space();
    if (take('|')) {
      if (!kBlocks[std::size_t(block)].opens_stage) {
        --at_;
        fail_here("a bar before block " + std::to_string(block) + ", which does not open a stage");
      }
    } else {
      take(',');
    }
    skip_space();
  }
  Op read_op(int block) {
    const std::string where = "block " + std::to_string(block);
    skip_space();
    if (at_ == text_.size()) {
      fail_here("the text ends before " + where + " (21 operations are needed)");
    }
    const std::size_t length = std::min(text_.find_first_of(" \t\r\n,|[]", at_), text_.size()) - at_;
    const std::string_view word = text_.substr(at_, length);
    for (std::size_t op = 0; op < kOpCount; ++op) {
      if (word != kOpNumbers[op] && word != kOpNames[op]) continue;
      if (int(op) >= kBlocks[std::size_t(block)].options()) {
        fail_here("identity in " + where + ", which opens a stage and cannot be left out");
      }
      at_ += length;
      return Op(op);
    }
    fail_here("expected the operation of " + where + ", found '" + std::string(word) +
              "' (known: 0..5 or k3e3 k3e6 k5e3 k5e6 k7e3 k7e6, -1 or identity)");
  }
  [[noreturn]] void fail_here(const std::string& problem) const {
    fail(ErrorCode::usage, "architecture '", text_, "': at character ", at_ + 1, ": ", problem);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

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
  return ArchitectureReader(text).read();
}

}  // namespace rlnas::mobilenet
