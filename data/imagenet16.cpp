// The engine's own file for ImageNet16-120 (Chrabaszcz et al. 2017), which is published as Python pickles;
// scripts/convert_imagenet16.py writes it. All numbers are little-endian:
//   offset  bytes  what
//        0      8  magic "RLNASI16"
//        8      4  version = 1
//       12      4  count N
//       16      4  height H (16)
//       20      4  width W (16)
//       24      4  classes K, 1..65536
//       28      4  CRC-32 of the bytes 0..27, the labels and the images
//       32     2N  labels, uint16, 0-based (the pickles are 1-based)
//  32 + 2N  3NHW  images, uint8 [N, H, W, 3]
// Several files may share a set: all with the same H, W and K, taken in the order given.
#include <algorithm>
#include <cstring>
#include <filesystem>

#include "data/dataset_parts.h"
#include "data/file_io.h"
#include "data/loaders.h"
#include "engine/crc32.h"
#include "kernels/check.h"

namespace rlnas {
namespace {

constexpr char kConvertHint[] = "; convert the published pickles with scripts/convert_imagenet16.py";
constexpr char kMagic[] = "RLNASI16";
constexpr std::size_t kMagicBytes = sizeof(kMagic) - 1;
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kHeaderBytes = 32;
constexpr char kExtension[] = ".rlnas16";  // how a directory's converted file is recognised

// The six numbers after the magic, as they lie in the file.
struct Header {
  std::uint32_t version = kVersion;
  std::uint32_t count = 0;
  std::uint32_t height = 0;
  std::uint32_t width = 0;
  std::uint32_t classes = 0;
  std::uint32_t crc = 0;
};
static_assert(kMagicBytes + sizeof(Header) == kHeaderBytes);

std::uint32_t header_crc(const Header& header) {
  return crc32_of(&header, offsetof(Header, crc), crc32_of(kMagic, kMagicBytes));
}

Header read_header(const std::string& path, const std::vector<std::uint8_t>& bytes) {
  Header header;
  RLNAS_CHECK(bytes.size() >= kHeaderBytes && std::memcmp(bytes.data(), kMagic, kMagicBytes) == 0, data, path,
              ": not an imagenet16 file of this engine", kConvertHint);
  std::memcpy(&header, bytes.data() + kMagicBytes, sizeof header);
  RLNAS_CHECK(header.version == kVersion, data, path, ": version ", header.version,
              " of the layout; this build reads version ", kVersion);
  RLNAS_CHECK(header.height >= 1 && header.height <= 4096 && header.width >= 1 && header.width <= 4096 &&
                  header.classes >= 1 && header.classes <= 65536,
              data, path, ": damaged header: images of ", header.height, "x", header.width, " in ",
              header.classes, " classes");
  const std::uint64_t expected =
      kHeaderBytes + std::uint64_t(header.count) * (2 + 3ull * header.height * header.width);
  RLNAS_CHECK(bytes.size() == expected, data, path, ": ",
              bytes.size() < expected ? "truncated: " : "too long: ", bytes.size(),
              " bytes, but its header announces ", expected);
  const std::uint32_t crc =
      crc32_of(bytes.data() + kHeaderBytes, bytes.size() - kHeaderBytes, header_crc(header));
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
  const std::uint8_t* labels = bytes.data() + kHeaderBytes;
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
    if (entry.path().extension() == kExtension) found.push_back(entry.path().string());
  }
  RLNAS_CHECK(!found.empty(), data, directory, ": holds no *", kExtension, " file", kConvertHint);
  RLNAS_CHECK(found.size() == 1, data, directory, ": holds ", found.size(), " *", kExtension,
              " files; name the wanted ones: --data imagenet16:FILE,FILE...");
  return found.front();
}

}  // namespace

Dataset load_imagenet16(const DataSpec& spec, const LoadOptions&) {
  Dataset dataset;
  dataset.name = "imagenet16";
  for (const std::string& path : spec.paths) {
    std::error_code error;
    append_file(std::filesystem::is_directory(path, error) ? only_file_of(path) : path, dataset);
  }
  dataset.mean = {122.68f, 116.66f, 104.01f};
  dataset.std = {63.22f, 61.26f, 65.09f};
  finish_dataset(dataset, spec.paths.front());
  return dataset;
}

}  // namespace rlnas
