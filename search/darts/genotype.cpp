#include "search/darts/genotype.h"

#include <cctype>

#include "search/text_cursor.h"

namespace rlnas::darts {
namespace {

constexpr int kInputsPerNode = 2;

std::string known_ops() {
  std::string names;
  for (int op = 1; op < kOpCount; ++op) names += (op == 1 ? "" : ", ") + std::string(op_name(Op(op)));
  return names;
}

std::string pairs_text(const Cell& cell) {
  std::string text;
  for (std::size_t edge = 0; edge < kEdgeCount; ++edge) {
    if (cell.ops[edge] == Op::none) continue;
    text += (text.empty() ? "('" : ", ('") + std::string(op_name(cell.ops[edge])) + "', " +
            std::to_string(kEdges[edge].source) + ')';
  }
  return text;
}

std::string code_text(const Cell& cell) {
  std::string text;
  for (std::size_t edge = 0; edge < kEdgeCount; ++edge) {
    if (edge > 0) text += kEdges[edge].source == 0 ? ' ' : ',';
    text += std::to_string(int(cell.ops[edge]));
  }
  return text;
}

std::string_view read_word(TextCursor& text) {
  return text.word("()[]=,|'\"");
}

void expect_word(TextCursor& text, std::string_view wanted, std::string_view where) {
  const std::size_t start = text.position();
  if (read_word(text) != wanted)
    text.fail_at(start, "expected '" + std::string(wanted) + "' " + std::string(where));
}

int read_number(TextCursor& text, int low, int high, std::string_view what) {
  const std::size_t start = text.position();
  const std::string_view digits = read_word(text);
  const int value = digits.size() == 1 && std::isdigit(std::uint8_t(digits[0])) ? digits[0] - '0' : -1;
  if (value < low || value > high)
    text.fail_at(start,
                 "expected " + std::string(what) + ", " + std::to_string(low) + ".." + std::to_string(high));
  return value;
}

Op read_op(TextCursor& reader) {
  const char quote = reader.peek();
  if (quote != '\'' && quote != '"') reader.fail_here("expected an operation's name in quotes");
  reader.take(quote);
  const std::size_t start = reader.position();
  const std::string_view name = read_word(reader);
  for (int op = 1; op < kOpCount; ++op) {
    if (name != op_name(Op(op))) continue;
    reader.expect(quote, "after the operation");
    return Op(op);
  }
  reader.fail_at(start, "unknown operation '" + std::string(name) + "' (known: " + known_ops() + ")");
}

// "[('sep_conv_3x3', 0), ...]"
Cell read_pairs(TextCursor& reader) {
  Cell cell;
  reader.expect('[', "before the cell's operations");
  for (int node = kInputCount; node < kAllNodes; ++node) {
    const std::string of_node = "of node " + std::to_string(node);
    for (int input = 0; input < kInputsPerNode; ++input) {
      if (node > kInputCount || input > 0) reader.expect(',', "before the next input " + of_node);
      reader.expect('(', "before an input " + of_node);
      const Op op = read_op(reader);
      reader.expect(',', "after the operation");
      const std::size_t start = reader.position();
      const int source = read_number(reader, 0, node - 1, "the number of an input node " + of_node);
      Op& place = cell.ops[std::size_t(first_edge(node) + source)];
      if (place != Op::none)
        reader.fail_at(start, "the two inputs " + of_node + " are the same node " + std::to_string(source));
      place = op;
      reader.expect(')', "after the input node");
    }
  }
  reader.take(',');
  reader.expect(']', "after the two inputs of node 5");
  return cell;
}

// "range(2, 6)" or "[2, 3, 4, 5]": every node is an output in this space.
void read_concat(TextCursor& reader) {
  constexpr std::string_view kWanted = "(all of range(2, 6) are outputs)";
  if (reader.take('[')) {
    for (int node = kInputCount; node < kAllNodes; ++node) {
      if (node > kInputCount) reader.expect(',', kWanted);
      read_number(reader, node, node, "an output node");
    }
    reader.take(',');
    reader.expect(']', kWanted);
    return;
  }
  expect_word(reader, "range", "or '['");
  reader.expect('(', "after range");
  read_number(reader, kInputCount, kInputCount, "the first output node");
  reader.expect(',', kWanted);
  read_number(reader, kAllNodes, kAllNodes, "the end of the output nodes");
  reader.expect(')', kWanted);
}

void read_keyword(TextCursor& reader, std::string_view keyword) {
  const std::string text(keyword);
  expect_word(reader, keyword, "of the genotype");
  reader.expect('=', "after " + text);
}

Architecture read_genotype(TextCursor& reader) {
  const std::size_t start = reader.position();
  read_word(reader);
  if (!reader.take('=')) reader.go_back(start);  // no name in front
  expect_word(reader, "Genotype", "(or a code of 28 numbers)");
  reader.expect('(', "after Genotype");
  Architecture architecture;
  read_keyword(reader, "normal");
  architecture.normal = read_pairs(reader);
  reader.expect(',', "before normal_concat");
  read_keyword(reader, "normal_concat");
  read_concat(reader);
  reader.expect(',', "before reduce");
  read_keyword(reader, "reduce");
  architecture.reduce = read_pairs(reader);
  reader.expect(',', "before reduce_concat");
  read_keyword(reader, "reduce_concat");
  read_concat(reader);
  reader.take(',');
  reader.expect(')', "at the end of the genotype");
  return architecture;
}

Cell read_code(TextCursor& reader, CellKind kind) {
  Cell cell;
  for (int node = kInputCount; node < kAllNodes; ++node) {
    const std::size_t start = reader.position();
    int inputs = 0;
    for (int edge = first_edge(node); edge < first_edge(node) + node; ++edge) {
      if (kind == CellKind::reduce || edge > 0) reader.take(',');
      const int op = read_number(reader, 0, kOpCount - 1, "an operation");
      cell.ops[std::size_t(edge)] = Op(op);
      inputs += op != 0 ? 1 : 0;
    }
    if (inputs != kInputsPerNode)
      reader.fail_at(start, "node " + std::to_string(node) + " has " + std::to_string(inputs) +
                                " inputs, expected two that are not 0");
  }
  return cell;
}

}  // namespace

std::string genotype(const Architecture& architecture) {
  return "Genotype(normal=[" + pairs_text(architecture.normal) + "], normal_concat=range(2, 6), reduce=[" +
         pairs_text(architecture.reduce) + "], reduce_concat=range(2, 6))";
}

std::string code(const Architecture& architecture) {
  return code_text(architecture.normal) + " | " + code_text(architecture.reduce);
}

Architecture parse_architecture(std::string_view text) {
  TextCursor reader(text);
  Architecture architecture;
  if (std::isdigit(std::uint8_t(reader.peek()))) {
    architecture.normal = read_code(reader, CellKind::normal);
    reader.take('|');
    architecture.reduce = read_code(reader, CellKind::reduce);
  } else {
    architecture = read_genotype(reader);
  }
  if (!reader.at_end()) reader.fail_here("unexpected text after the architecture");
  return architecture;
}

}  // namespace rlnas::darts
