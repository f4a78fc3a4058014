// A network as one Python file for PyTorch: a module whose parameters are called as in our safetensors files,
// so that load_state_dict(strict=True) takes them, and whose forward pass is written out line by line.
#pragma once

#include <string>

#include "search/export/export_network.h"

namespace rlnas {

// weights_name: the file of its weights, which lies beside the source. All layers of the graph are declared,
// also those that do not run; so is an auxiliary head, where the graph has one.
std::string pytorch_source(const ExportNetwork& network, const std::string& weights_name);

}  // namespace rlnas
