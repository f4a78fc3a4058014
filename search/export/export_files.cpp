#include "search/export/export_files.h"

#include <filesystem>
#include <set>

#include "search/export/drawing_file.h"
#include "search/export/graph_text.h"
#include "search/export/onnx.h"
#include "search/export/pytorch_source.h"
#include "search/search_report.h"
#include "search/spaces.h"

namespace rlnas {
namespace {

constexpr const char* kFlag = "--export";
constexpr const char* kWrittenBy = "written_by";  // metadata of weights that were exported

std::string weights_file(const std::string& source) {
  return std::filesystem::path(source).replace_extension(".safetensors").string();
}

std::vector<std::string> files_of(const ExportRequest& request) {
  if (request.kind == ExportKind::pytorch) return {request.file, weights_file(request.file)};
  return {request.file};
}

// A source called latest.py in a run directory must not take the run's weights with it.
void check_replaceable(const std::string& weights) {
  std::error_code ignored;
  if (!std::filesystem::exists(weights, ignored)) return;
  bool ours = false;
  try {
    ours = read_safetensors(weights).metadata.contains(kWrittenBy);
  } catch (const Error&) {  // no weights at all
  }
  RLNAS_CHECK(ours, usage, kFlag, " pytorch: its weights would replace ", weights,
              ", which no export has written; choose another name");
}

std::string text_of(ExportKind kind, const std::string& file, const ExportNetwork& network) {
  switch (kind) {
    case ExportKind::onnx:
      return onnx_model(network);
    case ExportKind::pytorch:
      return pytorch_source(network, std::filesystem::path(weights_file(file)).filename().string());
    case ExportKind::dot:
      return graph_dot(network);
    case ExportKind::json:
      return graph_json(network);
    case ExportKind::svg:
      break;
  }
  const Space& space = find_space(network.space);
  return architecture_svg_file(space, space.parse(network.arch));
}

}  // namespace

std::vector<ExportRequest> parse_exports(const std::vector<std::string>& texts) {
  std::vector<ExportRequest> requests;
  std::set<std::string> files;
  for (const std::string& text : texts) {
    const std::size_t colon = text.find(':');
    RLNAS_CHECK(colon != std::string::npos && colon + 1 < text.size(), usage, kFlag, ' ', text,
                ": say KIND:FILE, with a KIND of ", words_of<ExportKind>(", "));
    requests.push_back({parse_word<ExportKind>(kFlag, text.substr(0, colon)), text.substr(colon + 1)});
    for (const std::string& file : files_of(requests.back()))
      RLNAS_CHECK(files.insert(file).second, usage, kFlag, ' ', text, ": ", file, " is written twice");
  }
  return requests;
}

std::vector<std::string> write_export(const ExportRequest& request, const ExportNetwork& network) {
  const std::vector<std::string> files = files_of(request);
  if (request.kind == ExportKind::pytorch) {
    check_replaceable(files.back());
    TensorFile weights = network.tensors;
    weights.metadata = {{"space", network.space}, {"arch", network.arch}, {kWrittenBy, kFlag}};
    try {
      write_safetensors(files.back(), weights);
    } catch (const Error& error) {
      throw Error(error.code(), std::string(kFlag) + " " + error.what());
    }
  }
  write_report_file(kFlag, files.front(), text_of(request.kind, files.front(), network));
  return files;
}

}  // namespace rlnas
