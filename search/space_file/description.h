// An own search space as its file describes it (docs/own_spaces.md): read and checked, before any graph is
// built of it.
#pragma once

#include <cstdint>
#include <optional>
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
  bool is_older_input = false;  // of the stem: the first cell's input 0
};

struct Edge {
  int target = 0;
  int source = 0;
  std::vector<Choice> choices;
};

struct Cell {
  std::string name;
  std::string title;  // for people
  int inputs = 1;     // nodes 0 .. inputs-1; two: the outputs of the cell before last and of the last one
  int nodes = 0;      // with the inputs
  std::vector<Edge> edges;
  int edges_per_node = 0;        // live ones of every node; 0: any number
  bool concatenates = false;     // its output is all nodes but the inputs side by side; else the last one
  bool joins_by_concat = false;  // a node is its edges side by side and a 1x1 convolution; else their sum
  bool drops_paths = false;      // --drop-path has a place behind each operation
};

struct Stage {
  int channels = 0;
  int stride = 1;
  int repeats = 1;
  std::vector<Layer> opening;   // of a stage of cells
  int cell = -1;                // of the description's; -1: blocks
  int opening_cell = -1;        // likewise, of a stage of cells with two inputs; -1: none
  std::vector<Choice> choices;  // of a block
};

// DARTS' head for training alone, behind the cell that opens the last stage.
struct Auxiliary {
  int stride = 3;    // of the 5x5 average
  bool norm = true;  // behind the second convolution
};

enum class ClassifierCost { matrix, matrix_and_bias, multiplications_and_additions };

struct Description {
  std::string name, title;
  int image_size = 32;
  int classes = 10;
  CifarConstants cifar_constants = CifarConstants::nasbench201;
  std::vector<Layer> stem;
  std::vector<Cell> cells;  // none: a chain of blocks
  std::vector<Stage> stages;
  std::vector<Layer> head;
  std::optional<Auxiliary> auxiliary;
  bool dropout = false;
  std::string classifier = "classifier";
  std::string choice_names;  // of the weights of candidates, with {block}, {op} and so on
  bool affine_in_supernet = true;
  ClassifierCost classifier_cost = ClassifierCost::matrix;
  double max_mflops = 0.0;
  std::int64_t max_params = 0;
  bool angle_of_all_tensors = false;       // else of convolutions' and the classifier's weights
  std::vector<std::string> angle_without;  // names of tensors, with *

  // Of an architecture trained by itself, as the options of these names; 0: as the SuperNet.
  int alone_channels = 0;
  int alone_cells = 0;

  bool has_cells() const { return !cells.empty(); }
  bool has_two_inputs() const { return has_cells() && cells.front().inputs == 2; }
};

// Candidates of a block: those of the stage, without those that keep its shape where the block changes it.
bool is_offered(const Choice& choice, int in_channels, int out_channels, int stride);

// Errors: usage, naming line and field.
Description read_description(const Field& file);

}  // namespace rlnas::space_file
