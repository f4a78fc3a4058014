// A network as an ONNX file, opset 17: input "images" [N,C,H,W] of normalised values, output "logits"
// [N,classes]; weights under their state-dict names.
#pragma once

#include <string>

#include "search/export/export_network.h"

namespace rlnas {

// The bytes of the file. Errors: run_failed for a kind of node that has no place in it.
std::string onnx_model(const ExportNetwork& network);

}  // namespace rlnas
