#include "data/dataset.h"

#include <algorithm>
#include <charconv>

#include "data/loaders.h"
#include "data/synthetic.h"
#include "kernels/check.h"

namespace rlnas {
namespace {

constexpr const char* kDirectoryKinds[] = {"cifar10", "cifar100", "idx", "folder"};

constexpr char kUsage[] =
    "expected cifar10:DIR, cifar100:DIR, imagenet16:FILE,FILE..., idx:DIR, folder:DIR or synthetic[:N]";

int parse_count(const std::string& text, const std::string& argument) {
  int count = 0;
  const char* end = argument.data() + argument.size();
  const auto [stop, error] = std::from_chars(argument.data(), end, count);
  RLNAS_CHECK(error == std::errc() && stop == end && count >= 1, usage, "--data ", text, ": \"", argument,
              "\" is not a number of images");
  return count;
}

}  // namespace

DataSpec parse_data_spec(const std::string& text) {
  const std::size_t colon = text.find(':');
  DataSpec spec;
  spec.kind = text.substr(0, colon);
  const bool has_argument = colon != std::string::npos;
  const std::string argument = has_argument ? text.substr(colon + 1) : "";
  if (spec.kind == "synthetic") {
    if (has_argument) spec.synthetic_count = parse_count(text, argument);
    return spec;
  }
  const bool is_directory_kind = std::find(std::begin(kDirectoryKinds), std::end(kDirectoryKinds),
                                           spec.kind) != std::end(kDirectoryKinds);
  RLNAS_CHECK(is_directory_kind || spec.kind == "imagenet16", usage, "--data ", text, ": unknown kind \"",
              spec.kind, "\"; ", kUsage);
  RLNAS_CHECK(!argument.empty(), usage, "--data ", text, ": a path is missing; ", kUsage);
  if (is_directory_kind) {
    spec.paths.push_back(argument);
    return spec;
  }
  for (std::size_t start = 0; start <= argument.size();) {
    const std::size_t comma = std::min(argument.find(',', start), argument.size());
    RLNAS_CHECK(comma > start, usage, "--data ", text, ": an empty path in the list of files");
    spec.paths.push_back(argument.substr(start, comma - start));
    start = comma + 1;
  }
  return spec;
}

Dataset load_dataset(const DataSpec& spec, const LoadOptions& options) {
  if (spec.kind == "synthetic") {
    SyntheticSpec synthetic;
    if (spec.synthetic_count != 0) synthetic.count = spec.synthetic_count;
    synthetic.size = options.image_size;
    synthetic.seed = options.part == DataPart::test ? ~options.seed : options.seed;
    synthetic.threads = options.threads;
    return make_synthetic(synthetic);
  }
  RLNAS_CHECK(!spec.paths.empty(), usage, "--data ", spec.kind, ": a path is missing; ", kUsage);
  if (spec.kind == "cifar10") return load_cifar10(spec.paths.front(), options);
  if (spec.kind == "cifar100") return load_cifar100(spec.paths.front(), options);
  if (spec.kind == "imagenet16") return load_imagenet16(spec.paths);
  if (spec.kind == "idx") return load_idx(spec.paths.front(), options);
  if (spec.kind == "folder") return load_image_folder(spec.paths.front(), options);
  fail(ErrorCode::usage, "--data: unknown kind \"", spec.kind, "\"; ", kUsage);
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
