#include "data/batch_source.h"
#include "data/dataset_parts.h"
#include "data/file_io.h"
#include "data/loaders.h"
#include "kernels/check.h"

namespace rlnas {
namespace {

constexpr std::size_t kPixels = 32 * 32;

struct CifarLayout {
  std::size_t label_bytes = 1;
  std::size_t label_position = 0;
  int classes = 10;

  std::size_t record_bytes() const { return label_bytes + 3 * kPixels; }
};

// Appends a batch file to the data set and returns the number of its records.
std::size_t append_batch(const std::string& path, const CifarLayout& layout, Dataset& dataset) {
  const std::vector<std::uint8_t> bytes = read_bytes(path);
  RLNAS_CHECK(!bytes.empty() && bytes.size() % layout.record_bytes() == 0, data, path,
              ": truncated: ", bytes.size(), " bytes are not a whole number of ", layout.record_bytes(),
              "-byte records");
  const std::size_t count = bytes.size() / layout.record_bytes(), before = dataset.size();
  dataset.images.resize((before + count) * 3 * kPixels);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t* record = bytes.data() + i * layout.record_bytes();
    const int label = record[layout.label_position];
    check_label(path, i, label, layout.classes);
    dataset.labels.push_back(label);
    interleave_channels(record + layout.label_bytes, kPixels,
                        dataset.images.data() + (before + i) * 3 * kPixels);
  }
  return count;
}

// DIR itself or the folder that the official archive unpacks to.
std::string find_folder(const std::string& directory, const std::string& archive_folder,
                        const std::string& first_file, const std::string& python_file) {
  check_directory(directory);
  const std::string inside = directory + "/" + archive_folder;
  if (!file_exists(directory + "/" + first_file) && file_exists(inside)) return inside;
  RLNAS_CHECK(file_exists(directory + "/" + first_file) || !file_exists(directory + "/" + python_file), data,
              directory, ": holds the Python version of the data set; the binary version (", first_file,
              ") is needed");
  return directory;
}

Dataset empty_cifar(const char* name, int classes) {
  Dataset dataset;
  dataset.name = name;
  dataset.height = dataset.width = 32;
  dataset.classes = classes;
  return dataset;
}

Dataset finished(Dataset dataset, const std::string& directory, const LoadOptions& options,
                 const Normalisation& nasbench201) {
  const Normalisation& constants =
      options.cifar_constants == CifarConstants::darts ? kDartsCifarNormalisation : nasbench201;
  dataset.mean = constants.mean;
  dataset.std = constants.std;
  finish_dataset(dataset, directory);
  return dataset;
}

void append_training_batches(const std::string& folder, const CifarLayout& layout, Dataset& dataset) {
  const std::string first_path = folder + "/data_batch_1.bin";
  const std::size_t first_count = append_batch(first_path, layout, dataset);
  for (int batch = 2; batch <= 5; ++batch) {
    const std::string path = folder + "/data_batch_" + std::to_string(batch) + ".bin";
    const std::size_t count = append_batch(path, layout, dataset);
    // All official batches are equally long, so a cut between two records shows here.
    RLNAS_CHECK(count == first_count, data, path, ": ", count, " records, but ", first_path, " has ",
                first_count, ": one of them is truncated");
  }
}

}  // namespace

Dataset load_cifar10(const DataSpec& spec, const LoadOptions& options) {
  const std::string& directory = spec.paths.front();
  const CifarLayout layout{.label_bytes = 1, .label_position = 0, .classes = 10};
  const bool test = options.part == DataPart::test;
  Dataset dataset = empty_cifar("cifar10", layout.classes);
  const std::string folder =
      find_folder(directory, "cifar-10-batches-bin", test ? "test_batch.bin" : "data_batch_1.bin",
                  test ? "test_batch" : "data_batch_1");
  if (test)
    append_batch(folder + "/test_batch.bin", layout, dataset);
  else
    append_training_batches(folder, layout, dataset);
  return finished(std::move(dataset), directory, options, {{125.3f, 123.0f, 113.9f}, {63.0f, 62.1f, 66.7f}});
}

Dataset load_cifar100(const DataSpec& spec, const LoadOptions& options) {
  const std::string& directory = spec.paths.front();
  const CifarLayout layout{.label_bytes = 2, .label_position = 1, .classes = 100};
  const std::string part = options.part == DataPart::test ? "test" : "train";
  Dataset dataset = empty_cifar("cifar100", layout.classes);
  const std::string folder = find_folder(directory, "cifar-100-binary", part + ".bin", part);
  append_batch(folder + "/" + part + ".bin", layout, dataset);
  return finished(std::move(dataset), directory, options, {{129.3f, 124.1f, 112.4f}, {68.2f, 65.4f, 70.4f}});
}

}  // namespace rlnas
