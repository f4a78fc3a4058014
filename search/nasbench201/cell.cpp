#include "search/nasbench201/cell.h"

#include <charconv>
#include <numeric>
#include <vector>

#include "engine/mt19937.h"
#include "kernels/check.h"
#include "search/text_cursor.h"

namespace rlnas::nasbench201 {
namespace {

constexpr std::array<std::string_view, kOpCount> kOpNames{"none", "skip_connect", "nor_conv_1x1",
                                                          "nor_conv_3x3", "avg_pool_3x3"};

// The benchmark's order and its inverse, made once.
struct BenchmarkOrder {
  std::vector<int> enumeration_of;
  std::vector<int> benchmark_of;

  BenchmarkOrder() : enumeration_of(kSpaceSize), benchmark_of(kSpaceSize) {
    std::iota(enumeration_of.begin(), enumeration_of.end(), 0);
    PythonRandom random(88);
    random.shuffle(enumeration_of);
    for (int i = 0; i < kSpaceSize; ++i) benchmark_of[std::size_t(enumeration_of[std::size_t(i)])] = i;
  }
};

const BenchmarkOrder& benchmark_order() {
  static const BenchmarkOrder order;
  return order;
}

void check_index(int index, std::string_view what) {
  RLNAS_CHECK(index >= 0 && index < kSpaceSize, usage, what, " index ", index, " is not in 0..",
              kSpaceSize - 1);
}

int parse_index(std::string_view digits, std::string_view text) {
  int value = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  RLNAS_CHECK(error == std::errc() && end == digits.data() + digits.size() && !digits.empty(), usage,
              "architecture '", text, "': '", digits, "' is not an index in 0..", kSpaceSize - 1);
  return value;
}

Op read_op(TextCursor& text, const Edge& edge) {
  const std::size_t start = text.position();
  const std::string_view name = text.word("~|+");
  for (int op = 0; op < kOpCount; ++op)
    if (name == kOpNames[std::size_t(op)]) return Op(op);
  text.fail_at(start, "unknown operation '" + std::string(name) + "' on edge " + std::to_string(edge.target) +
                          "<-" + std::to_string(edge.source) +
                          " (known: none, skip_connect, nor_conv_1x1, nor_conv_3x3, avg_pool_3x3)");
}

}  // namespace

std::string_view op_name(Op op) {
  return kOpNames[std::size_t(op)];
}

std::string to_string(const Cell& cell) {
  std::string text;
  for (int edge = 0; edge < kEdgeCount; ++edge) {
    const Edge& e = kEdges[std::size_t(edge)];
    if (e.source == 0) text += e.target == 1 ? "|" : "+|";
    text += kOpNames[std::size_t(cell.ops[std::size_t(edge)])];
    text += '~';
    text += std::to_string(e.source);
    text += '|';
  }
  return text;
}

Cell parse_arch_string(std::string_view text) {
  TextCursor reader(text);
  Cell cell;
  for (int edge = 0; edge < kEdgeCount; ++edge) {
    const Edge& e = kEdges[std::size_t(edge)];
    if (e.source == 0) {
      const std::string node = "node " + std::to_string(e.target);
      if (e.target > 1) reader.expect('+', "before " + node);
      reader.expect('|', "at the start of " + node);
    }
    cell.ops[std::size_t(edge)] = read_op(reader, e);
    reader.expect('~', "after the operation");
    reader.expect(char('0' + e.source), "as the input of node " + std::to_string(e.target));
    reader.expect('|', "after the input");
  }
  if (!reader.at_end()) reader.fail_here("unexpected text after the last '|'");
  return cell;
}

Cell parse_cell(std::string_view text) {
  constexpr std::string_view kEnumerationPrefix = "enum:";
  RLNAS_CHECK(!text.empty(), usage,
              "architecture '': give a NAS-Bench-201 string, a benchmark index N or #N, or enum:N");
  if (text.starts_with(kEnumerationPrefix)) {
    return cell_at(parse_index(text.substr(kEnumerationPrefix.size()), text));
  }
  if (text.front() == '#') return cell_of_benchmark(parse_index(text.substr(1), text));
  if (text.find_first_not_of("-0123456789") == std::string_view::npos) {
    return cell_of_benchmark(parse_index(text, text));
  }
  return parse_arch_string(text);
}

int enumeration_index(const Cell& cell) {
  int index = 0;
  for (const Op op : cell.ops) index = index * kOpCount + int(op);
  return index;
}

Cell cell_at(int enumeration_index) {
  check_index(enumeration_index, "enumeration");
  Cell cell;
  for (std::size_t edge = kEdgeCount; edge-- > 0; enumeration_index /= kOpCount) {
    cell.ops[edge] = Op(enumeration_index % kOpCount);
  }
  return cell;
}

int benchmark_index(const Cell& cell) {
  return benchmark_order().benchmark_of[std::size_t(enumeration_index(cell))];
}

Cell cell_of_benchmark(int benchmark_index) {
  check_index(benchmark_index, "benchmark");
  return cell_at(benchmark_order().enumeration_of[std::size_t(benchmark_index)]);
}

}  // namespace rlnas::nasbench201
