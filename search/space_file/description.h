// An own search space as its file describes it (docs/own_spaces.md): read and checked, before any graph is
// built of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "search/operations.h"
#include "search/space_file/field.h"

namespace rlnas::space_file {

// An operation with its parameters.
struct Choice {
  std::string name;  // in texts of architectures
  const Operation* operation = nullptr;
  OperationValues values;
  AngleConstant constant = AngleConstant::none;
};

// One that every architecture has.
struct Layer {
  Choice choice;
  std::string name;  // of its weights; empty: of its place
  int channels = 0;  // of its output
  int stride = 1;
};

struct Edge {
  int target = 0;
  int source = 0;
  std::vector<Choice> choices;
};

struct Cell {
  std::string name;
  int nodes = 0;  // the input is node 0
  std::vector<Edge> edges;
  bool concatenates = false;  // its output is all nodes but the input side by side; else the last one
};

struct Stage {
  int channels = 0;
  int stride = 1;
  int repeats = 1;
  std::vector<Layer> opening;   // of a stage of cells
  int cell = -1;                // of the description's; -1: blocks
  std::vector<Choice> choices;  // of a block
};

enum class ClassifierCost { matrix, matrix_and_bias, multiplications_and_additions };

struct Description {
  std::string name, title;
  int image_size = 32;
  int classes = 10;
  std::vector<Layer> stem;
  std::vector<Cell> cells;  // none: a chain of blocks
  std::vector<Stage> stages;
  std::vector<Layer> head;
  bool dropout = false;
  std::string classifier = "classifier";
  std::string choice_names;  // of the weights of candidates, with {block}, {op} and so on
  bool affine_in_supernet = true;
  ClassifierCost classifier_cost = ClassifierCost::matrix;
  double max_mflops = 0.0;
  std::int64_t max_params = 0;
  bool angle_of_all_tensors = false;       // else of convolutions' and the classifier's weights
  std::vector<std::string> angle_without;  // names of tensors, with *

  bool has_cells() const { return !cells.empty(); }
};

// Candidates of a block: those of the stage, without those that keep its shape where the block changes it.
bool is_offered(const Choice& choice, int in_channels, int out_channels, int stride);

// Errors: usage, naming line and field.
Description read_description(const Field& file);

}  // namespace rlnas::space_file
