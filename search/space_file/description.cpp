#include "search/space_file/description.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "search/space_file/read_choice.h"

namespace rlnas::space_file {
namespace {

constexpr int kMostChannels = 8192, kMostRepeats = 100, kMostNodes = 12, kMostEdges = 20;
constexpr const char* kBlockNames = "blocks.{block}.{op}";
constexpr const char* kEdgeNames = "cells.{position}.edges.{target}<-{source}.{op}";

void check_name(const Field& field, const std::string& name) {
  constexpr const char* kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
  if (name.empty() || name.find_first_not_of(kAllowed) != std::string::npos)
    field.fail("'" + name + "': a name has letters, digits, '_', '-' and '.' alone");
}

class Reader {
 public:
  explicit Reader(const Field& file) : file_(file) {}

  Description read() {
    file_.check_keys({"$schema", "name", "title", "input", "stem", "operations", "cells", "stages", "head",
                      "limits", "angle", "costs", "weights", "recipe"});
    d_.name = file_.at("name").text();
    check_name(file_.at("name"), d_.name);
    d_.title = file_.text_or("title", d_.name);
    if (file_.has("input")) read_input(file_.at("input"));
    if (file_.has("operations")) choices_.define(file_.at("operations"));
    if (file_.has("stem"))
      for (const Field& layer : file_.at("stem").items()) d_.stem.push_back(read_layer(layer, {}));
    if (file_.has("cells"))
      for (const auto& [name, cell] : file_.at("cells").members()) d_.cells.push_back(read_cell(name, cell));
    for (const Field& stage : file_.at("stages").items()) d_.stages.push_back(read_stage(stage));
    if (d_.stages.empty()) file_.at("stages").fail("needs at least one stage");
    for (const Cell& cell : d_.cells)
      if (!used_cells_.contains(cell.name)) file_.at("cells").at(cell.name.c_str()).fail("no stage has it");
    if (file_.has("head")) read_head(file_.at("head"));
    if (file_.has("limits")) read_limits(file_.at("limits"));
    if (file_.has("angle")) read_angle(file_.at("angle"));
    if (file_.has("costs")) read_costs(file_.at("costs"));
    d_.choice_names = d_.has_cells() ? kEdgeNames : kBlockNames;
    if (file_.has("weights")) read_weights(file_.at("weights"));
    return std::move(d_);
  }

 private:
  void read_input(const Field& input) {
    input.check_keys({"image_size", "classes"});
    d_.image_size = input.integer_or("image_size", d_.image_size, 8, 512);
    d_.classes = input.integer_or("classes", d_.classes, 2, 1 << 20);
  }

  // What a layer has where it says nothing.
  struct Standard {
    int channels = 0;  // 0: those of its input
    int stride = 1;
  };
  Layer read_layer(const Field& field, const Standard& standard) {
    Layer layer;
    layer.choice = choices_.read(field, ReadChoice::Place::layer);
    layer.channels = standard.channels > 0 ? standard.channels : channels_;
    layer.stride = standard.stride;
    if (!field.is_text()) {
      layer.channels = field.integer_or("channels", layer.channels, 1, kMostChannels);
      layer.stride = field.integer_or("stride", layer.stride, 1, 2);
      layer.name = field.text_or("weights", "");
    }
    if (!is_offered(layer.choice, channels_, layer.channels, layer.stride))
      field.fail("'" + layer.choice.name + "' cannot bring " + std::to_string(channels_) + " channels to " +
                 std::to_string(layer.channels) + " at stride " + std::to_string(layer.stride));
    channels_ = layer.channels;
    return layer;
  }

  std::vector<Choice> read_choices(const Field& list, ReadChoice::Place place) {
    std::vector<Choice> all;
    std::set<std::string> names;
    for (const Field& one : list.items()) {
      all.push_back(choices_.read(one, place));
      if (place == ReadChoice::Place::edge && !is_offered(all.back(), 1, 1, 1))
        one.fail("'" + all.back().name + "' changes the shape, which a cell keeps");
      if (!names.insert(all.back().name).second) one.fail("'" + all.back().name + "' is in the list already");
    }
    if (all.empty()) list.fail("needs at least one operation");
    if (all.size() > 100) list.fail("has more than 100 operations");
    return all;
  }

  Cell read_cell(const std::string& name, const Field& field) {
    field.check_keys({"nodes", "ops", "edges", "output"});
    check_name(field, name);
    Cell cell;
    cell.name = name;
    cell.nodes = field.at("nodes").integer(2, kMostNodes);
    cell.concatenates = field.has("output") && field.at("output").word({"last", "concat"}) == 1;
    std::vector<Choice> common;
    if (field.has("ops")) common = read_choices(field.at("ops"), ReadChoice::Place::edge);
    if (field.has("edges"))
      for (const Field& edge : field.at("edges").items()) cell.edges.push_back(read_edge(edge, cell, common));
    else
      for (int target = 1; target < cell.nodes; ++target)
        for (int source = 0; source < target; ++source) cell.edges.push_back({target, source, common});
    if (!field.has("edges") && common.empty()) field.fail("'ops' is missing");
    const Field where = field.has("edges") ? field.at("edges") : field.at("nodes");
    if (cell.edges.size() > std::size_t(kMostEdges))
      where.fail("a cell has at most " + std::to_string(kMostEdges) + " edges, not " +
                 std::to_string(cell.edges.size()));
    std::stable_sort(cell.edges.begin(), cell.edges.end(), [](const Edge& a, const Edge& b) {
      return std::pair(a.target, a.source) < std::pair(b.target, b.source);
    });
    for (int node = 1; node < cell.nodes; ++node)
      if (std::none_of(cell.edges.begin(), cell.edges.end(),
                       [&](const Edge& e) { return e.target == node && offers_something(e); }))
        where.fail("no edge with an operation leads to node " + std::to_string(node));
    return cell;
  }

  static bool offers_something(const Edge& edge) {
    return std::any_of(edge.choices.begin(), edge.choices.end(),
                       [](const Choice& c) { return !c.operation->is_none(); });
  }

  Edge read_edge(const Field& field, const Cell& cell, const std::vector<Choice>& common) {
    field.check_keys({"from", "to", "ops"});
    Edge edge;
    edge.target = field.at("to").integer(1, cell.nodes - 1);
    edge.source = field.at("from").integer(0, edge.target - 1);
    if (std::any_of(cell.edges.begin(), cell.edges.end(),
                    [&](const Edge& e) { return e.target == edge.target && e.source == edge.source; }))
      field.fail("there is an edge from " + std::to_string(edge.source) + " to " +
                 std::to_string(edge.target) + " already");
    edge.choices = field.has("ops") ? read_choices(field.at("ops"), ReadChoice::Place::edge) : common;
    if (edge.choices.empty()) field.fail("'ops' is missing");
    return edge;
  }

  Stage read_stage(const Field& field) {
    field.check_keys({"channels", "stride", "repeats", "ops", "cell", "opens_with"});
    Stage stage;
    stage.channels = field.at("channels").integer(1, kMostChannels);
    stage.stride = field.integer_or("stride", 1, 1, 2);
    stage.repeats = field.integer_or("repeats", 1, 1, kMostRepeats);
    if (!d_.has_cells()) {
      if (field.has("cell")) field.at("cell").fail("the file has no 'cells'");
      if (field.has("opens_with")) field.at("opens_with").fail("is for stages of cells");
      stage.choices = read_choices(field.at("ops"), ReadChoice::Place::block);
      check_blocks(field, stage);
    } else {
      if (field.has("ops")) field.at("ops").fail("a file has stages of blocks or of cells, not both");
      std::vector<std::string> names;
      for (const Cell& cell : d_.cells) names.push_back(cell.name);
      stage.cell = field.has("cell") || names.size() > 1 ? field.at("cell").word(names) : 0;
      used_cells_.insert(names[std::size_t(stage.cell)]);
      int stride = stage.stride;  // of the first layer
      if (field.has("opens_with"))
        for (const Field& layer : field.at("opens_with").items()) {
          stage.opening.push_back(read_layer(layer, {stage.channels, stride}));
          stride = 1;
        }
      if (channels_ != stage.channels || stride != 1)
        field.fail("'opens_with' has to bring " + std::to_string(channels_) + " channels to " +
                   std::to_string(stage.channels) + " at stride " + std::to_string(stage.stride));
    }
    channels_ = stage.channels;
    return stage;
  }

  // Every candidate is offered by some block, or the list would promise what no architecture has.
  void check_blocks(const Field& field, const Stage& stage) {
    const std::vector<Field> ops = field.at("ops").items();
    bool opens = false;
    for (std::size_t i = 0; i < ops.size(); ++i) {
      const Choice& choice = stage.choices[i];
      const bool first = is_offered(choice, channels_, stage.channels, stage.stride);
      opens = opens || first;
      if (!first && (!choice.operation->passes_on || stage.repeats == 1))
        ops[i].fail("'" + choice.name + "' cannot bring " + std::to_string(channels_) + " channels to " +
                    std::to_string(stage.channels) + " at stride " + std::to_string(stage.stride));
    }
    if (!opens) field.at("ops").fail("none of these can open the stage");
  }

  void read_head(const Field& head) {
    head.check_keys({"layers", "dropout", "classifier"});
    if (head.has("layers"))
      for (const Field& layer : head.at("layers").items()) d_.head.push_back(read_layer(layer, {}));
    if (head.has("dropout")) d_.dropout = head.at("dropout").truth();
    if (head.has("classifier")) {
      const std::vector<std::string> names{"classifier", "classifier.0"};  // that checkpoints are read by
      d_.classifier = names[std::size_t(head.at("classifier").word(names))];
    }
  }

  void read_limits(const Field& limits) {
    limits.check_keys({"max_mflops", "max_params"});
    if (limits.has("max_mflops")) d_.max_mflops = limits.at("max_mflops").number(0.0, 1e9);
    d_.max_params = limits.integer_or("max_params", 0, 0, 2'000'000'000);
  }

  void read_angle(const Field& angle) {
    angle.check_keys({"tensors", "without"});
    d_.angle_of_all_tensors = angle.has("tensors") && angle.at("tensors").word({"weights", "all"}) == 1;
    if (angle.has("without"))
      for (const Field& name : angle.at("without").items()) d_.angle_without.push_back(name.text());
  }

  void read_costs(const Field& costs) {
    costs.check_keys({"classifier"});
    if (costs.has("classifier"))
      d_.classifier_cost = ClassifierCost(
          costs.at("classifier").word({"matrix", "matrix-and-bias", "multiplications-and-additions"}));
  }

  void read_weights(const Field& weights) {
    weights.check_keys({"choices", "affine_in_supernet"});
    if (weights.has("affine_in_supernet")) d_.affine_in_supernet = weights.at("affine_in_supernet").truth();
    if (!weights.has("choices")) return;
    const Field names = weights.at("choices");
    d_.choice_names = names.text();
    const std::vector<std::string> needed =
        d_.has_cells() ? std::vector<std::string>{"{position}", "{target}", "{source}", "{op}"}
                       : std::vector<std::string>{"{block}", "{op}"};
    for (const std::string& part : needed)
      if (d_.choice_names.find(part) == std::string::npos) names.fail("needs " + part);
  }

  const Field& file_;
  Description d_;
  ReadChoice choices_;
  int channels_ = 3;  // of what the next layer is given
  std::set<std::string> used_cells_;
};

}  // namespace

bool is_offered(const Choice& choice, int in_channels, int out_channels, int stride) {
  if (choice.operation->is_none()) return true;
  if (choice.operation->only_halves && stride != 2) return false;
  switch (choice.operation->reshapes) {
    case Reshapes::nothing:
      return in_channels == out_channels && stride == 1;
    case Reshapes::size:
      return in_channels == out_channels;
    case Reshapes::all:
      break;
  }
  return true;
}

Description read_description(const Field& file) {
  return Reader(file).read();
}

}  // namespace rlnas::space_file
