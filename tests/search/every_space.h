// What tests that hold for every search space go through: those that are built in, and own ones of files.
#pragma once

#include <string>
#include <vector>

#include "search/spaces.h"
#include "tests/support/golden_dir.h"

namespace rlnas::test {

// Shipped in spaces/, and nobody's before.
inline const std::vector<std::string> kOwnSpaces{"fashion", "resnet"};

// Two kinds of cells, edges with candidates of their own, nodes side by side.
inline constexpr const char* kUnevenCells = R"({
  "name": "uneven",
  "input": {"image_size": 16},
  "stem": [{"op": "conv_norm", "channels": 8}],
  "cells": {
    "normal": {
      "nodes": 4,
      "ops": ["none", "skip", "conv_3x3", {"op": "conv_3x3", "dilation": 2}],
      "edges": [
        {"from": 0, "to": 1, "ops": ["conv_1x1", {"op": "conv_3x3", "groups": 4}, "depthwise_5x5"]},
        {"from": 0, "to": 2, "ops": ["max_pool_3x3", "sep_conv_3x3"]},
        {"from": 1, "to": 3},
        {"from": 2, "to": 3, "ops": ["conv_5x5"]}
      ]
    },
    "joined": {"nodes": 3, "output": "concat", "ops": ["sep_conv_3x3", "dil_conv_3x3", "avg_pool_5x5", "skip"]}
  },
  "stages": [
    {"cell": "normal", "channels": 8, "repeats": 2},
    {"cell": "joined", "channels": 16, "stride": 2, "opens_with": ["factorized_reduce", "residual_3x3"]}
  ],
  "head": {"layers": [{"op": "conv_norm", "kernel": 1, "channels": 24, "activation": "relu6"}], "dropout": true}
})";

// Cells with two inputs, one kind with a rule on live edges, the other with nodes side by side.
inline constexpr const char* kTwoInputs = R"({
  "name": "two-inputs",
  "input": {"image_size": 16},
  "stem": [
    {"op": "conv_norm", "channels": 12, "activation": "none", "older_input": true},
    {"op": "conv", "kernel": 3, "channels": 8, "stride": 2}
  ],
  "cells": {
    "normal": {
      "inputs": 2, "nodes": 4, "edges_per_node": 2, "output": "concat", "drop_path": true,
      "ops": ["conv_3x3", "none", "skip"]
    },
    "reduce": {
      "inputs": 2, "nodes": 4, "join": "concat",
      "ops": ["skip", "sep_conv_3x3", "none"],
      "edges": [
        {"from": 0, "to": 2},
        {"from": 1, "to": 2, "ops": [{"op": "max_pool_3x3", "norm": "supernet"}]},
        {"from": 1, "to": 3, "ops": ["skip", "none"]},
        {"from": 2, "to": 3}
      ]
    }
  },
  "stages": [
    {"cell": "normal", "channels": 8, "repeats": 2},
    {"cell": "normal", "channels": 12, "stride": 2, "opens_with": "reduce"}
  ],
  "stand_alone": {"channels": 6, "cells": 5},
  "weights": {"choices": "cells.{position}.{edge}.{op}"}
})";

inline std::vector<const Space*> every_space() {
  std::vector<const Space*> spaces = all_spaces();
  for (const std::string& name : kOwnSpaces) spaces.push_back(&find_space(shipped_space(name)));
  spaces.push_back(&add_file_space(kUnevenCells, "uneven.json"));
  spaces.push_back(&add_file_space(kTwoInputs, "two-inputs.json"));
  return spaces;
}

}  // namespace rlnas::test
