// --export KIND:FILE: a network in, files out.
#pragma once

#include <string>
#include <vector>

#include "kernels/words.h"
#include "search/export/export_network.h"
#include "search/space.h"

namespace rlnas {

enum class ExportKind {
  onnx,
  pytorch,  // FILE, and the weights beside it, as FILE's name with .safetensors
  dot,
  json,
  svg,  // of the architecture, not of its network
};

template <>
struct Words<ExportKind> {
  static constexpr Word<ExportKind> list[] = {{ExportKind::onnx, "onnx"},
                                              {ExportKind::pytorch, "pytorch"},
                                              {ExportKind::dot, "dot"},
                                              {ExportKind::json, "json"},
                                              {ExportKind::svg, "svg"}};
};

struct ExportRequest {
  ExportKind kind;
  std::string file;
};

// Of the values of --export. Errors: usage, naming the flag and what there is; usage for one file named
// twice.
std::vector<ExportRequest> parse_exports(const std::vector<std::string>& texts);

// Writes a file, or two, and says which. Errors, naming the flag and the file: data where one cannot be
// written; usage where weights would replace others that no export has written.
std::vector<std::string> write_export(const ExportRequest& request, const ExportNetwork& network);

}  // namespace rlnas
