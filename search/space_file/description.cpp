#include "search/space_file/description.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "search/space_file/read_cell.h"

namespace rlnas::space_file {
namespace {

constexpr int kMostChannels = 8192, kMostRepeats = 100;
constexpr std::size_t kMostOperations = 20'000;
constexpr const char* kBlockNames = "blocks.{block}.{op}";
constexpr const char* kEdgeNames = "cells.{position}.edges.{target}<-{source}.{op}";

class Reader {
 public:
  explicit Reader(const Field& file) : file_(file) {}

  Description read() {
    file_.check_keys({"$schema", "name", "title", "input", "stem", "operations", "cells", "stages",
                      "stand_alone", "head", "limits", "angle", "costs", "weights", "recipe"});
    d_.name = file_.at("name").text();
    check_name(file_.at("name"), d_.name);
    d_.title = file_.text_or("title", d_.name);
    if (file_.has("input")) read_input(file_.at("input"));
    if (file_.has("operations")) choices_.define(file_.at("operations"));
    if (file_.has("stem"))
      for (const Field& layer : file_.at("stem").items()) d_.stem.push_back(read_layer(layer, {}));
    if (file_.has("cells"))
      for (const auto& [name, cell] : file_.at("cells").members()) {
        d_.cells.push_back(read_cell(name, cell, choices_));
        if (d_.cells.back().inputs != d_.cells.front().inputs)
          cell.fail("all cells of a file have the same number of inputs");
      }
    if (file_.has("stem")) check_older_input(file_.at("stem"));
    for (const Field& stage : file_.at("stages").items()) d_.stages.push_back(read_stage(stage));
    if (d_.stages.empty()) file_.at("stages").fail("needs at least one stage");
    for (const Cell& cell : d_.cells)
      if (!used_cells_.contains(cell.name)) file_.at("cells").at(cell.name.c_str()).fail("no stage has it");
    if (file_.has("stand_alone")) read_stand_alone(file_.at("stand_alone"));
    if (file_.has("head")) read_head(file_.at("head"));
    if (file_.has("limits")) read_limits(file_.at("limits"));
    if (file_.has("angle")) read_angle(file_.at("angle"));
    if (file_.has("costs")) read_costs(file_.at("costs"));
    d_.choice_names = d_.has_cells() ? kEdgeNames : kBlockNames;
    if (file_.has("weights")) read_weights(file_.at("weights"));
    check_size();
    return std::move(d_);
  }

 private:
  void read_input(const Field& input) {
    input.check_keys({"image_size", "classes", "cifar_constants"});
    d_.image_size = input.integer_or("image_size", d_.image_size, 8, 512);
    d_.classes = input.integer_or("classes", d_.classes, 2, 1 << 20);
    if (input.has("cifar_constants"))
      d_.cifar_constants = CifarConstants(input.at("cifar_constants").word({"nasbench201", "darts"}));
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
      if (layer.name.size() > kLongestName)
        field.at("weights").fail("is longer than " + std::to_string(kLongestName) + " characters");
      if (field.has("older_input")) layer.is_older_input = field.at("older_input").truth();
    }
    if (!is_offered(layer.choice, channels_, layer.channels, layer.stride))
      field.fail("'" + layer.choice.name + "' cannot bring " + std::to_string(channels_) + " channels to " +
                 std::to_string(layer.channels) + " at stride " + std::to_string(layer.stride));
    channels_ = layer.channels;
    return layer;
  }

  void check_older_input(const Field& stem) {
    const std::vector<Field> fields = stem.items();
    int marked = -1, stride = 1;  // of the layers behind the marked one
    for (std::size_t i = 0; i < fields.size(); ++i) {
      stride = d_.stem[i].is_older_input ? 1 : stride * d_.stem[i].stride;
      if (!d_.stem[i].is_older_input) continue;
      if (!d_.has_two_inputs()) fields[i].at("older_input").fail("is for cells with two inputs");
      if (marked >= 0) fields[i].at("older_input").fail("stem[" + std::to_string(marked) + "] is it already");
      marked = int(i);
    }
    if (marked >= 0 && stride > 2)
      fields[std::size_t(marked)]
          .at("older_input")
          .fail("the layers behind it halve the image more than once, which a cell's input cannot follow");
  }

  Stage read_stage(const Field& field) {
    field.check_keys({"channels", "stride", "repeats", "ops", "cell", "opens_with"});
    Stage stage;
    stage.channels = field.at("channels").integer(1, kMostChannels);
    stage.stride = field.integer_or("stride", 1, 1, 2);
    stage.repeats = field.integer_or("repeats", 1, d_.has_two_inputs() ? 0 : 1, kMostRepeats);
    if (!d_.has_cells()) {
      if (field.has("cell")) field.at("cell").fail("the file has no 'cells'");
      if (field.has("opens_with")) field.at("opens_with").fail("is for stages of cells");
      stage.choices = choices_.read_list(field.at("ops"), ReadChoice::Place::block);
      check_blocks(field, stage);
    } else {
      if (field.has("ops")) field.at("ops").fail("a file has stages of blocks or of cells, not both");
      std::vector<std::string> names;
      for (const Cell& cell : d_.cells) names.push_back(cell.name);
      stage.cell = field.has("cell") || names.size() > 1 ? field.at("cell").word(names) : 0;
      if (stage.repeats > 0) used_cells_.insert(names[std::size_t(stage.cell)]);
      if (d_.has_two_inputs()) {
        read_opening_cell(field, names, stage);
        return stage;
      }
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

  // Cells with two inputs bring them to their channels themselves, and halve by the edges from them.
  void read_opening_cell(const Field& field, const std::vector<std::string>& names, Stage& stage) {
    if (field.has("opens_with")) {
      const Field opening = field.at("opens_with");
      if (!opening.is_text()) opening.fail("must be the name of a cell, where cells have two inputs");
      stage.opening_cell = opening.word(names);
      used_cells_.insert(names[std::size_t(stage.opening_cell)]);
      if (stage.stride == 2) check_halves(d_.cells[std::size_t(stage.opening_cell)], opening);
    } else {
      if (stage.stride == 2) field.at("stride").fail("a stage that halves the image needs 'opens_with'");
      if (stage.repeats == 0) field.at("repeats").fail("a stage without 'opens_with' has a cell at least");
    }
    const Cell& last = d_.cells[std::size_t(stage.repeats > 0 ? stage.cell : stage.opening_cell)];
    channels_ = stage.channels * (last.concatenates ? last.nodes - last.inputs : 1);
  }

  void read_stand_alone(const Field& alone) {
    alone.check_keys({"channels", "cells"});
    d_.alone_channels = alone.integer_or("channels", 0, 1, kMostChannels);
    if (!alone.has("cells")) return;
    if (!d_.has_cells()) alone.at("cells").fail("the file has no 'cells'");
    d_.alone_cells = alone.at("cells").integer(d_.has_two_inputs() ? int(d_.stages.size()) : 1, kMostRepeats);
  }

  // A few lines could ask for a network that fills the memory.
  void check_size() const {
    std::size_t operations = 0;
    const auto add_cells = [&](int kind, int count) {
      if (kind < 0) return;
      for (const Edge& edge : d_.cells[std::size_t(kind)].edges)
        operations += std::size_t(count) * edge.choices.size();
    };
    for (const Stage& stage : d_.stages) {
      add_cells(stage.opening_cell, 1);
      add_cells(stage.cell, std::max(stage.repeats, d_.alone_cells));
      operations += std::size_t(stage.repeats) * stage.choices.size();
    }
    if (operations > kMostOperations)
      file_.at("stages").fail("the SuperNet has " + std::to_string(operations) + " operations, more than " +
                              std::to_string(kMostOperations));
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
    head.check_keys({"layers", "dropout", "classifier", "auxiliary"});
    if (head.has("layers"))
      for (const Field& layer : head.at("layers").items()) d_.head.push_back(read_layer(layer, {}));
    if (head.has("dropout")) d_.dropout = head.at("dropout").truth();
    if (head.has("classifier")) {
      const std::vector<std::string> names{"classifier", "classifier.0"};  // that checkpoints are read by
      d_.classifier = names[std::size_t(head.at("classifier").word(names))];
    }
    if (!head.has("auxiliary")) return;
    const Field auxiliary = head.at("auxiliary");
    auxiliary.check_keys({"stride", "norm"});
    if (d_.stages.back().opening_cell < 0)
      auxiliary.fail("stands behind the cell that opens the last stage, which this file does not have");
    d_.auxiliary.emplace();
    d_.auxiliary->stride = auxiliary.integer_or("stride", d_.auxiliary->stride, 1, 5);
    if (auxiliary.has("norm")) d_.auxiliary->norm = auxiliary.at("norm").truth();
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
    if (d_.choice_names.size() > kLongestName)
      names.fail("is longer than " + std::to_string(kLongestName) + " characters");
    const std::vector<std::string> needed =
        !d_.has_cells() ? std::vector<std::string>{"{block}", "{op}"}
        : d_.choice_names.find("{edge}") != std::string::npos
            ? std::vector<std::string>{"{position}", "{op}"}
            : std::vector<std::string>{"{position}", "{target}", "{source}", "{op}"};
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
