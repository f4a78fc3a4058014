#include <algorithm>
#include <iomanip>
#include <sstream>

#include "data/dataset_parts.h"
#include "data/file_io.h"
#include "data/loaders.h"
#include "kernels/check.h"

namespace rlnas {
namespace {

constexpr int kSize = 32;
constexpr int kClasses = 10;  // MNIST, Fashion-MNIST, KMNIST, QMNIST

struct IdxArray {
  std::string path;
  std::vector<std::uint32_t> shape;
  std::vector<std::uint8_t> bytes;  // the file, header included
  std::size_t header_bytes = 0;

  const std::uint8_t* values() const { return bytes.data() + header_bytes; }
};

std::uint32_t read_big_endian(const std::uint8_t* bytes) {
  return std::uint32_t(bytes[0]) << 24 | std::uint32_t(bytes[1]) << 16 | std::uint32_t(bytes[2]) << 8 |
         bytes[3];
}

// An array of unsigned bytes with `rank` dimensions: magic 00 00 08 rank, the dimensions, the values.
IdxArray read_idx(const std::string& directory, const std::string& stem, std::uint32_t rank) {
  IdxArray array;
  array.path = directory + "/" + stem;
  if (!file_exists(array.path)) array.path += ".gz";
  RLNAS_CHECK(file_exists(array.path), data, directory, "/", stem,
              "[.gz]: no such file (check --data idx:DIR)");
  array.bytes = read_maybe_gzip_file(array.path);
  array.header_bytes = 4 + 4 * std::size_t(rank);
  RLNAS_CHECK(array.bytes.size() >= array.header_bytes, data, array.path, ": truncated: only ",
              array.bytes.size(), " bytes");
  const std::uint32_t magic = read_big_endian(array.bytes.data()), wanted = 0x0800 + rank;
  if (magic != wanted) {
    std::ostringstream text;
    text << std::hex << std::setfill('0') << "magic number " << std::setw(8) << magic << " instead of "
         << std::setw(8) << wanted;
    fail(ErrorCode::data, array.path, ": not an IDX file of ", rank, "-dimensional bytes: ", text.str());
  }
  std::size_t values = 1;
  for (std::uint32_t d = 0; d < rank; ++d) {
    array.shape.push_back(read_big_endian(array.bytes.data() + 4 + 4 * d));
    RLNAS_CHECK(d == 0 || (array.shape[d] >= 1 && array.shape[d] <= kSize), data, array.path,
                ": images of side ", array.shape[d], "; sides of 1 to 32 can be used");
    values *= array.shape[d];
  }
  const std::size_t expected_bytes = array.header_bytes + values;
  RLNAS_CHECK(array.bytes.size() >= expected_bytes, data, array.path, ": truncated: ", array.bytes.size(),
              " bytes, but its header announces ", expected_bytes);
  RLNAS_CHECK(array.bytes.size() == expected_bytes, data, array.path, ": ", array.bytes.size(),
              " bytes, more than the ", expected_bytes, " its header announces");
  return array;
}

}  // namespace

Dataset load_idx(const DataSpec& spec, const LoadOptions& options) {
  const std::string& directory = spec.paths.front();
  check_directory(directory);
  const std::string part = options.part == DataPart::test ? "t10k" : "train";
  const IdxArray images = read_idx(directory, part + "-images-idx3-ubyte", 3);
  const IdxArray labels = read_idx(directory, part + "-labels-idx1-ubyte", 1);
  RLNAS_CHECK(images.shape[0] == labels.shape[0], data, labels.path, ": ", labels.shape[0], " labels for ",
              images.shape[0], " images in ", images.path);
  const std::size_t count = images.shape[0], rows = images.shape[1], columns = images.shape[2];
  Dataset dataset;
  dataset.name = "idx";
  dataset.height = dataset.width = kSize;
  dataset.classes = kClasses;
  dataset.images.assign(count * dataset.image_bytes(), 0);
  dataset.labels.resize(count);
  const std::size_t top = (kSize - rows) / 2, left = (kSize - columns) / 2;
  for (std::size_t i = 0; i < count; ++i) {
    dataset.labels[i] = labels.values()[i];
    check_label(labels.path, i, dataset.labels[i], kClasses);
    const std::uint8_t* grey = images.values() + i * rows * columns;
    std::uint8_t* image = dataset.images.data() + i * dataset.image_bytes();
    for (std::size_t y = 0; y < rows; ++y) {
      std::uint8_t* row = image + ((y + top) * kSize + left) * 3;
      for (std::size_t x = 0; x < columns; ++x) std::fill_n(row + 3 * x, 3, grey[y * columns + x]);
    }
  }
  finish_dataset(dataset, images.path);
  measure_normalisation(dataset);
  return dataset;
}

}  // namespace rlnas
