// Which network is exported, and with what weights.
#pragma once

#include <string>

#include "search/export/export_network.h"
#include "search/space.h"

namespace rlnas {

struct ExportSource {
  std::string space = {};  // empty: that of the weights, or the default one
  std::string arch = {};
  // At most one of them. Neither: the stand-alone network with fresh weights.
  std::string trained = {};   // safetensors of a stand-alone run, whose run.json beside it says the sizes
  std::string supernet = {};  // a run directory: the path of its SuperNet, with the weights it has there
  int classes = 0;            // 0: those of the weights, or of the space's data
  int image_size = 0;         // 0: the run's, or as published
};

// Errors: usage for what does not fit together, or an architecture that is none of the space; data for files
// that cannot be read, or hold other tensors than this network has.
ExportNetwork read_export_network(const ExportSource& source);

}  // namespace rlnas
