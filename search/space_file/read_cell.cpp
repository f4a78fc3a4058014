#include "search/space_file/read_cell.h"

#include <algorithm>
#include <set>

namespace rlnas::space_file {
namespace {

constexpr int kMostNodes = 12, kMostEdges = 20;

// Only edges from a cell's inputs are ever strided.
bool is_for_edges(const Choice& choice, int stride) {
  return choice.operation->passes_on || is_offered(choice, 1, 1, stride);
}

class Reader {
 public:
  Reader(const Field& field, ReadChoice& choices) : field_(field), choices_(choices) {}

  Cell read(const std::string& name) {
    field_.check_keys(
        {"title", "inputs", "nodes", "ops", "edges", "edges_per_node", "join", "output", "drop_path"});
    check_name(field_, name);
    cell_.name = name;
    cell_.title = field_.text_or("title", "cell " + name);
    cell_.inputs = field_.integer_or("inputs", 1, 1, 2);
    cell_.nodes = field_.at("nodes").integer(cell_.inputs + 1, kMostNodes);
    cell_.concatenates = field_.has("output") && field_.at("output").word({"last", "concat"}) == 1;
    cell_.joins_by_concat = field_.has("join") && field_.at("join").word({"sum", "concat"}) == 1;
    cell_.drops_paths = field_.has("drop_path") && field_.at("drop_path").truth();
    read_edges();
    check_edges();
    if (field_.has("edges_per_node")) read_rule(field_.at("edges_per_node"));
    return std::move(cell_);
  }

 private:
  void read_edges() {
    std::vector<Choice> common;
    if (field_.has("ops")) common = choices_.read_list(field_.at("ops"), ReadChoice::Place::edge);
    if (field_.has("edges")) {
      for (const Field& edge : field_.at("edges").items()) cell_.edges.push_back(read_edge(edge, common));
      return;
    }
    if (common.empty()) field_.fail("'ops' is missing");
    for (int target = cell_.inputs; target < cell_.nodes; ++target)
      for (int source = 0; source < target; ++source) cell_.edges.push_back({target, source, common});
  }

  Edge read_edge(const Field& field, const std::vector<Choice>& common) {
    field.check_keys({"from", "to", "ops"});
    Edge edge;
    edge.target = field.at("to").integer(cell_.inputs, cell_.nodes - 1);
    edge.source = field.at("from").integer(0, edge.target - 1);
    if (std::any_of(cell_.edges.begin(), cell_.edges.end(),
                    [&](const Edge& e) { return e.target == edge.target && e.source == edge.source; }))
      field.fail("there is an edge from " + std::to_string(edge.source) + " to " +
                 std::to_string(edge.target) + " already");
    edge.choices = field.has("ops") ? choices_.read_list(field.at("ops"), ReadChoice::Place::edge) : common;
    if (edge.choices.empty()) field.fail("'ops' is missing");
    return edge;
  }

  Field where() const { return field_.has("edges") ? field_.at("edges") : field_.at("nodes"); }

  void check_edges() {
    if (cell_.edges.size() > std::size_t(kMostEdges))
      where().fail("a cell has at most " + std::to_string(kMostEdges) + " edges, not " +
                   std::to_string(cell_.edges.size()));
    std::stable_sort(cell_.edges.begin(), cell_.edges.end(), [](const Edge& a, const Edge& b) {
      return std::pair(a.target, a.source) < std::pair(b.target, b.source);
    });
    for (int node = cell_.inputs; node < cell_.nodes; ++node)
      if (std::none_of(cell_.edges.begin(), cell_.edges.end(),
                       [&](const Edge& e) { return e.target == node && offers_something(e); }))
        where().fail("no edge with an operation leads to node " + std::to_string(node));
  }

  static bool offers_none(const Edge& edge) {
    return std::any_of(edge.choices.begin(), edge.choices.end(),
                       [](const Choice& c) { return c.operation->is_none(); });
  }
  static bool offers_something(const Edge& edge) {
    return std::any_of(edge.choices.begin(), edge.choices.end(),
                       [](const Choice& c) { return !c.operation->is_none(); });
  }

  // So that any edges of a node can be the live ones.
  void read_rule(const Field& rule) {
    cell_.edges_per_node = rule.integer(1, kMostNodes - 1);
    for (const Edge& edge : cell_.edges)
      if (!offers_none(edge) || !offers_something(edge))
        rule.fail("the edge from " + std::to_string(edge.source) + " to " + std::to_string(edge.target) +
                  " has to offer 'none' and another operation");
    for (int node = cell_.inputs; node < cell_.nodes; ++node) {
      const auto edges = std::count_if(cell_.edges.begin(), cell_.edges.end(),
                                       [&](const Edge& e) { return e.target == node; });
      if (edges < cell_.edges_per_node)
        rule.fail("node " + std::to_string(node) + " has " + std::to_string(edges) + " in all");
    }
  }

  const Field& field_;
  ReadChoice& choices_;
  Cell cell_;
};

}  // namespace

Cell read_cell(const std::string& name, const Field& field, ReadChoice& choices) {
  return Reader(field, choices).read(name);
}

void check_halves(const Cell& cell, const Field& where) {
  for (const Edge& edge : cell.edges)
    for (const Choice& choice : edge.choices)
      if (edge.source < cell.inputs && !is_for_edges(choice, 2))
        where.fail("cell '" + cell.name + "' offers '" + choice.name + "' on an edge from input " +
                   std::to_string(edge.source) + ", where it cannot halve the image");
}

}  // namespace rlnas::space_file
