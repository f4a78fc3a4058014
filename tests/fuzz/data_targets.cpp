// Files of images and of tensors.
#include <algorithm>
#include <cstring>
#include <vector>

#include "data/image_codec.h"
#include "data/loaders.h"
#include "engine/crc32.h"
#include "engine/safetensors.h"
#include "tests/fuzz/target_list.h"

namespace rlnas::fuzz {
namespace {

void check_dataset(const Dataset& dataset) {
  require(dataset.size() > 0 && dataset.images.size() == dataset.size() * dataset.image_bytes(),
          "a data set has a label for each image");
  for (const std::int32_t label : dataset.labels)
    require(label >= 0 && label < dataset.classes, "labels are of the data set's classes");
}

// Of numbers as they lie in files.
void put(std::vector<std::uint8_t>& bytes, std::size_t at, std::uint32_t value, bool big_endian) {
  for (std::size_t i = 0; i < 4; ++i) bytes[at + i] = std::uint8_t(value >> 8 * (big_endian ? 3 - i : i));
}

// What the program does with an image: all of it, and a part as training cuts it.
void decode(Bytes file) {
  const ImageSize size = read_image_size(file);
  require(size.height > 0 && size.width > 0, "an image has pixels");
  const RgbImage small = decode_image(file, 16);
  require(small.pixels.size() == std::size_t(small.height) * std::size_t(small.width) * 3,
          "a decoded image has its pixels");
  std::vector<std::uint8_t> square(16 * 16 * 3);
  resize_to_square(small, 16, square.data());
  RgbImage part;
  const PixelBox box{size.height / 4, size.width / 3, size.height - size.height / 2,
                     size.width - size.width / 2};
  decode_region(file, box, part);
  require(part.pixels.size() == std::size_t(box.height) * std::size_t(box.width) * 3,
          "a decoded part has its pixels");
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

}  // namespace

void safetensors(Bytes bytes) {
  const std::string path = scratch_file("weights.safetensors", bytes);
  const TensorFile file = read_safetensors(path);
  std::size_t held = 0;
  for (const NamedTensor& tensor : file.tensors) held += tensor.data.size() * sizeof(float);
  require(held <= bytes.size(), "tensors take no more memory than their file");
  // Written again it is the same.
  const std::string copy = scratch_directory() + "/copy.safetensors";
  write_safetensors(copy, file);
  const TensorFile again = read_safetensors(copy);
  require(again.tensors.size() == file.tensors.size() && again.metadata == file.metadata,
          "a checkpoint is read as it was written");
  for (std::size_t i = 0; i < file.tensors.size(); ++i)
    require(again.tensors[i].name == file.tensors[i].name &&
                same_bits(again.tensors[i].data, file.tensors[i].data),
            "a tensor is read as it was written");
}

void idx(Bytes bytes) {
  Parts parts(bytes);
  scratch_file("train-labels-idx1-ubyte", parts.next());
  scratch_file("train-images-idx3-ubyte", parts.rest());
  check_dataset(load_idx({.kind = "idx", .paths = {scratch_directory()}}, {}));
}

void npy(Bytes bytes) {
  Parts parts(bytes);
  const std::string labels = scratch_file("labels.npy", parts.next());
  const std::string images = scratch_file("images.npy", parts.rest());
  check_dataset(load_npy({.kind = "npy", .paths = {images, labels}}, {}));
}

void cifar(Bytes bytes) {
  // Small inputs stand for records: all pixels of one are alike.
  const bool is_test = !bytes.empty() && bytes[0] % 2 == 1;
  constexpr std::size_t kPixels = 3072;
  const auto grown = [&](std::size_t label_bytes, std::size_t cut) {
    std::vector<std::uint8_t> file;
    for (std::size_t i = 1; i + label_bytes < bytes.size(); i += label_bytes + 1) {
      file.insert(file.end(), bytes.begin() + std::ptrdiff_t(i),
                  bytes.begin() + std::ptrdiff_t(i + label_bytes));
      file.resize(file.size() + kPixels, bytes[i + label_bytes]);
    }
    file.resize(file.size() - std::min(cut, file.size()));
    return file;
  };
  const std::size_t cut = bytes.empty() ? 0 : bytes[0] / 64;
  scratch_file("train.bin", grown(2, cut));
  const std::vector<std::uint8_t> batch = grown(1, cut);
  scratch_file("test_batch.bin", batch);
  for (int b = 1; b <= 5; ++b) scratch_file("data_batch_" + std::to_string(b) + ".bin", batch);
  const LoadOptions options{.part = is_test ? DataPart::test : DataPart::training};
  if (bytes.size() % 2 == 0)
    check_dataset(load_cifar10({.kind = "cifar10", .paths = {scratch_directory()}}, options));
  else
    check_dataset(load_cifar100({.kind = "cifar100", .paths = {scratch_directory()}}, {}));
}

void imagenet16(Bytes bytes) {
  const auto load = [](Bytes file) {
    check_dataset(load_imagenet16({.kind = "imagenet16", .paths = {scratch_file("set.rlnas16", file)}}, {}));
  };
  if (bytes.size() < 32 || bytes.size() % 2 == 0) return load(bytes);
  std::vector<std::uint8_t> file(bytes.begin(), bytes.end());  // past the checksum
  put(file, 28, crc32_of(file.data() + 32, file.size() - 32, crc32_of(file.data(), 28)), false);
  load(file);
}

void jpeg(Bytes bytes) {
  std::vector<std::uint8_t> file(bytes.begin(), bytes.end());
  constexpr std::uint8_t kStart[] = {0xff, 0xd8, 0xff};
  std::copy_n(kStart, std::min(file.size(), sizeof kStart), file.begin());
  decode(file);
}

void png(Bytes bytes) {
  std::vector<std::uint8_t> file(bytes.begin(), bytes.end());
  constexpr std::uint8_t kStart[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  std::copy_n(kStart, std::min(file.size(), sizeof kStart), file.begin());
  // Past the checksums, one for each chunk: length, type, data, checksum.
  for (std::size_t at = 8; at + 12 <= file.size();) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < 4; ++i) length = length << 8 | file[at + i];
    if (length > file.size() - at - 12) break;
    put(file, at + 8 + length, crc32_of(file.data() + at + 4, length + 4), true);
    at += length + 12;
  }
  decode(file);
}

}  // namespace rlnas::fuzz
