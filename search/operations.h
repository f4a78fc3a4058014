// The operations that an own search space (docs/own_spaces.md) is made of, as candidates and as fixed layers:
// what each is called, which parameters it takes, and the nodes of a graph that it is. A new one is an entry
// in operations.cpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ops/graph.h"
#include "search/space.h"

namespace rlnas {

struct OperationParameter {
  const char* name;
  int standard;  // where nothing is said
  int low;
  int high;
  const char* help;
  bool odd = false;                     // even values are refused
  std::vector<const char*> words = {};  // of a choice: its value is an index into these
};

// A value for each parameter of an operation, in the order of its entry.
using OperationValues = std::vector<int>;

// What an operation can make of the shape of its input.
enum class Reshapes {
  nothing,
  size,  // halve it, keeping the channels
  all,   // and give it another number of channels
};

// Where an operation is put.
struct OperationSite {
  Graph& graph;
  int x = 0;
  std::string name;  // its weights' names begin with this
  int channels = 0;  // of the output
  int stride = 1;
  Affine affine = Affine::yes;
  NetworkKind network = NetworkKind::supernet;
};

struct Operation {
  const char* name;
  const char* help;
  Reshapes reshapes = Reshapes::all;
  AngleConstant constant = AngleConstant::none;  // where it keeps the shape
  bool passes_on = false;                        // its output is its input, where it keeps the shape
  bool only_halves = false;                      // stride 2 alone
  std::vector<OperationParameter> parameters = {};
  // Adds its nodes and returns the last one; null: there is no connection at all. What passes its input on
  // also has to halve it, for edges of cells that do.
  int (*build)(const OperationSite& site, const OperationValues& values) = nullptr;

  bool is_none() const { return build == nullptr; }
  // Place of a parameter; -1: it has none of this name.
  int parameter(std::string_view parameter_name) const;
};

const std::vector<Operation>& operations();
// Null where there is none of this name.
const Operation* find_operation(std::string_view name);

}  // namespace rlnas
