#include "data/imagenet16.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "data/dataset_parts.h"
#include "data/file_io.h"
#include "data/loaders.h"
#include "engine/crc32.h"
#include "kernels/check.h"

namespace rlnas {
namespace {

constexpr char kConvertHint[] = "; convert the published pickles with scripts/convert_imagenet16.py";
constexpr std::size_t kMagicBytes = sizeof(kImagenet16Magic) - 1;

// The six numbers after the magic, as they lie in the file.
struct Header {
  std::uint32_t version = kImagenet16Version;
  std::uint32_t count = 0;
  std::uint32_t height = 0;
  std::uint32_t width = 0;
  std::uint32_t classes = 0;
  std::uint32_t crc = 0;
};
static_assert(kMagicBytes + sizeof(Header) == kImagenet16HeaderBytes);

std::uint32_t header_crc(const Header& header) {
  return crc32_of(&header, offsetof(Header, crc), crc32_of(kImagenet16Magic, kMagicBytes));
}

Header read_header(const std::string& path, const std::vector<std::uint8_t>& bytes) {
  Header header;
  RLNAS_CHECK(
      bytes.size() >= kImagenet16HeaderBytes && std::memcmp(bytes.data(), kImagenet16Magic, kMagicBytes) == 0,
      data, path, ": not an imagenet16 file of this engine", kConvertHint);
  std::memcpy(&header, bytes.data() + kMagicBytes, sizeof header);
  RLNAS_CHECK(header.version == kImagenet16Version, data, path, ": version ", header.version,
              " of the layout; this build reads version ", kImagenet16Version);
  RLNAS_CHECK(header.height >= 1 && header.height <= 4096 && header.width >= 1 && header.width <= 4096 &&
                  header.classes >= 1 && header.classes <= 65536,
              data, path, ": damaged header: images of ", header.height, "x", header.width, " in ",
              header.classes, " classes");
  const std::uint64_t expected =
      kImagenet16HeaderBytes + std::uint64_t(header.count) * (2 + 3ull * header.height * header.width);
  RLNAS_CHECK(bytes.size() == expected, data, path, ": ",
              bytes.size() < expected ? "truncated: " : "too long: ", bytes.size(),
              " bytes, but its header announces ", expected);
  const std::uint32_t crc = crc32_of(bytes.data() + kImagenet16HeaderBytes,
                                     bytes.size() - kImagenet16HeaderBytes, header_crc(header));
  RLNAS_CHECK(crc == header.crc, data, path, ": damaged: its CRC-32 does not match", kConvertHint);
  return header;
}

void append_file(const std::string& path, Dataset& dataset) {
  const std::vector<std::uint8_t> bytes = read_bytes(path);
  const Header header = read_header(path, bytes);
  if (dataset.height == 0) {
    dataset.height = int(header.height);
    dataset.width = int(header.width);
    dataset.classes = int(header.classes);
  }
  RLNAS_CHECK(int(header.height) == dataset.height && int(header.width) == dataset.width &&
                  int(header.classes) == dataset.classes,
              data, path, ": ", header.height, "x", header.width, " images in ", header.classes,
              " classes, but the files before it have ", dataset.height, "x", dataset.width, " in ",
              dataset.classes);
  const std::uint8_t* labels = bytes.data() + kImagenet16HeaderBytes;
  for (std::size_t i = 0; i < header.count; ++i) {
    const int label = labels[2 * i] | labels[2 * i + 1] << 8;
    check_label(path, i, label, dataset.classes);
    dataset.labels.push_back(label);
  }
  dataset.images.insert(dataset.images.end(), labels + 2 * std::size_t(header.count),
                        bytes.data() + bytes.size());
}

// A directory stands for the one converted file in it: with several, their order would be a guess.
std::string only_file_of(const std::string& directory) {
  check_directory(directory);
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() == kImagenet16Extension) found.push_back(entry.path().string());
  }
  RLNAS_CHECK(!found.empty(), data, directory, ": holds no *", kImagenet16Extension, " file", kConvertHint);
  RLNAS_CHECK(found.size() == 1, data, directory, ": holds ", found.size(), " *", kImagenet16Extension,
              " files; name the wanted ones: --data imagenet16:FILE,FILE...");
  return found.front();
}

}  // namespace

Dataset load_imagenet16(const std::vector<std::string>& paths) {
  Dataset dataset;
  dataset.name = "imagenet16";
  for (const std::string& path : paths) {
    std::error_code error;
    append_file(std::filesystem::is_directory(path, error) ? only_file_of(path) : path, dataset);
  }
  dataset.mean = {122.68f, 116.66f, 104.01f};
  dataset.std = {63.22f, 61.26f, 65.09f};
  finish_dataset(dataset, paths.empty() ? "imagenet16" : paths.front());
  return dataset;
}

void write_imagenet16(const std::string& path, const Dataset& dataset) {
  RLNAS_CHECK(dataset.classes >= 1 && dataset.classes <= 65536 && dataset.size() <= 0xffffffffu, data, path,
              ": the layout holds at most 65536 classes and 4294967295 images");
  Header header;
  header.count = std::uint32_t(dataset.size());
  header.height = std::uint32_t(dataset.height);
  header.width = std::uint32_t(dataset.width);
  header.classes = std::uint32_t(dataset.classes);
  std::vector<std::uint8_t> labels;
  for (std::size_t i = 0; i < dataset.size(); ++i) {
    check_label(path, i, dataset.labels[i], dataset.classes);
    labels.push_back(std::uint8_t(dataset.labels[i]));
    labels.push_back(std::uint8_t(dataset.labels[i] >> 8));
  }
  header.crc = crc32_of(labels.data(), labels.size(), header_crc(header));
  header.crc = crc32_of(dataset.images.data(), dataset.images.size(), header.crc);
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(kImagenet16Magic, std::streamsize(kMagicBytes));
  file.write(reinterpret_cast<const char*>(&header), sizeof header);
  file.write(reinterpret_cast<const char*>(labels.data()), std::streamsize(labels.size()));
  file.write(reinterpret_cast<const char*>(dataset.images.data()), std::streamsize(dataset.images.size()));
  file.close();
  RLNAS_CHECK(file, data, path, ": cannot be written");
}

}  // namespace rlnas
