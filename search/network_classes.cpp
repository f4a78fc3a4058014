#include "search/network_classes.h"

#include <algorithm>

namespace rlnas {
namespace {

constexpr std::int64_t kMostArchitectures = 1'000'000;

}  // namespace

std::string expression_of(const CellSpec& cell, std::span<const std::int8_t> ops) {
  // The terms of each node: a skip connection hands on those of its source.
  std::vector<std::vector<std::string>> nodes;
  for (int i = 0; i < cell.inputs; ++i) nodes.push_back({std::string(1, char('a' + i))});
  const auto text_of = [](std::vector<std::string> terms) {
    std::ranges::sort(terms);
    std::string text;
    for (const std::string& term : terms) text += (text.empty() ? "" : "+") + term;
    return text;
  };
  for (std::size_t edge = 0; int(nodes.size()) < cell.nodes();) {
    std::vector<std::string> terms;
    std::string joined;  // in the order of edges, as their weights are different ones
    for (; edge < cell.edges.size() && cell.edges[edge].target == int(nodes.size()); ++edge) {
      const std::vector<std::string>& source = nodes[std::size_t(cell.edges[edge].source)];
      const EdgeChoices& choices = cell.of(edge);
      if (cell.joins_by_concat) {
        joined += ",";
        if (ops[edge] != choices.none && !source.empty())
          joined += std::string(ops[edge] == choices.identity ? "" : choices.ops[std::size_t(ops[edge])]) +
                    "(" + text_of(source) + ")";
        continue;
      }
      if (ops[edge] == choices.none || source.empty()) continue;
      if (ops[edge] == choices.identity)
        terms.insert(terms.end(), source.begin(), source.end());
      else
        terms.push_back(std::string(choices.ops[std::size_t(ops[edge])]) + "(" + text_of(source) + ")");
    }
    if (cell.joins_by_concat) terms.push_back("[" + joined + "]");
    nodes.push_back(std::move(terms));
  }
  std::string output;
  for (std::size_t node = std::size_t(cell.first_output); node < nodes.size(); ++node)
    output += (output.empty() ? "" : "|") + text_of(nodes[node]);
  return output;
}

NetworkClasses::NetworkClasses(const Space& space) : space_(space) {
  const std::int64_t size = gene_strings(space, kMostArchitectures);
  if (space.cells().empty() || size >= kMostArchitectures) return;
  std::unordered_map<std::string, std::int32_t> first;
  for (std::int64_t index = 0; index < size; ++index) {
    const Genes genes = genes_at(space, index);
    std::string network;
    std::span<const std::int8_t> rest = genes;
    for (const CellSpec& cell : space.cells()) {
      network += expression_of(cell, rest.first(cell.edges.size())) + ";";
      rest = rest.subspan(cell.edges.size());
    }
    first_.push_back(first.try_emplace(std::move(network), std::int32_t(index)).first->second);
  }
  count_ = std::int64_t(first.size());
}

Genes NetworkClasses::representative(const Genes& genes) const {
  return first_.empty() ? genes : genes_at(space_, first_[std::size_t(enumeration_index(space_, genes))]);
}

}  // namespace rlnas
