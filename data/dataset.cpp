#include "data/dataset.h"

#include <algorithm>
#include <charconv>

#include "data/loaders.h"
#include "kernels/check.h"

namespace rlnas {
namespace {

const DataKind& find_kind(const std::string& name, const std::string& text) {
  for (const DataKind& kind : kDataKinds)
    if (name == kind.name) return kind;
  fail(ErrorCode::usage, "--data ", text, ": unknown kind \"", name, "\"; expected ", data_kinds());
}

int parse_count(const std::string& text, const std::string& argument) {
  int count = 0;
  const char* end = argument.data() + argument.size();
  const auto [stop, error] = std::from_chars(argument.data(), end, count);
  RLNAS_CHECK(error == std::errc() && stop == end && count >= 1, usage, "--data ", text, ": \"", argument,
              "\" is not a number of images");
  return count;
}

std::vector<std::string> parse_files(const std::string& text, const std::string& argument) {
  std::vector<std::string> files;
  for (std::size_t start = 0; start <= argument.size();) {
    const std::size_t comma = std::min(argument.find(',', start), argument.size());
    RLNAS_CHECK(comma > start, usage, "--data ", text, ": an empty path in the list of files");
    files.push_back(argument.substr(start, comma - start));
    start = comma + 1;
  }
  return files;
}

}  // namespace

std::string data_kinds() {
  std::string forms;
  for (const DataKind& kind : kDataKinds) forms += (forms.empty() ? "" : ", ") + std::string(kind.form);
  return forms;
}

DataSpec parse_data_spec(const std::string& text) {
  const std::size_t colon = text.find(':');
  const bool has_argument = colon != std::string::npos;
  const std::string argument = has_argument ? text.substr(colon + 1) : "";
  DataSpec spec{.kind = text.substr(0, colon)};
  const DataArgument wanted = find_kind(spec.kind, text).argument;
  if (wanted == DataArgument::count) {
    if (has_argument) spec.synthetic_count = parse_count(text, argument);
    return spec;
  }
  RLNAS_CHECK(!argument.empty(), usage, "--data ", text, ": a path is missing; expected ", data_kinds());
  spec.paths = wanted == DataArgument::files ? parse_files(text, argument) : std::vector{argument};
  return spec;
}

Dataset load_dataset(const DataSpec& spec, const LoadOptions& options) {
  const DataKind& kind = find_kind(spec.kind, spec.kind);
  RLNAS_CHECK(!spec.paths.empty() || kind.argument == DataArgument::count, usage, "--data ", spec.kind,
              ": a path is missing; expected ", data_kinds());
  return kind.load(spec, options);
}

DataCheck check_data(const DataSpec& spec, const LoadOptions& options) {
  LoadOptions lenient = options;
  lenient.bad_files = BadFiles::skip;
  Dataset dataset = load_dataset(spec, lenient);
  DataCheck check;
  check.name = dataset.name;
  check.count = dataset.size();
  check.height = dataset.height;
  check.width = dataset.width;
  check.classes = dataset.classes;
  check.mean = dataset.mean;
  check.std = dataset.std;
  check.histogram.resize(std::size_t(dataset.classes));
  for (const std::int32_t label : dataset.labels) ++check.histogram[std::size_t(label)];
  check.checksum = dataset.checksum;
  check.skipped = std::move(dataset.skipped);
  if (!check.skipped.empty()) check.first_bad = check.skipped.front();
  return check;
}

}  // namespace rlnas
