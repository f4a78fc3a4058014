// The files of small data sets, with pixels that say where they are from.
#pragma once

#include "data/dataset.h"
#include "engine/crc32.h"
#include "tests/data/temp_dir.h"

namespace rlnas::test {

// Pixel value of image i, channel c, position p: different in every coordinate.
inline std::uint8_t pixel_of(int i, int c, int p) {
  return std::uint8_t(i * 31 + c * 89 + p * 7);
}

// CIFAR-10's records (one byte of label), or CIFAR-100's (two, the first to be ignored).
inline Bytes cifar_records(int first, int count, int label_bytes) {
  Bytes bytes;
  for (int i = first; i < first + count; ++i) {
    if (label_bytes == 2) bytes.push_back(19);
    bytes.push_back(std::uint8_t(i % (label_bytes == 2 ? 100 : 10)));
    for (int c = 0; c < 3; ++c) {
      for (int p = 0; p < 1024; ++p) bytes.push_back(pixel_of(i, c, p));
    }
  }
  return bytes;
}

inline constexpr char kIdxImages[] = "train-images-idx3-ubyte";
inline constexpr char kIdxLabels[] = "train-labels-idx1-ubyte";

inline void push_u32(Bytes& bytes, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(std::uint8_t(value >> shift));
}

inline Bytes idx_images(std::uint32_t count, std::uint32_t rows, std::uint32_t columns) {
  Bytes bytes;
  push_u32(bytes, 0x0803);
  for (const std::uint32_t dimension : {count, rows, columns}) push_u32(bytes, dimension);
  for (std::uint32_t i = 0; i < count * rows * columns; ++i) bytes.push_back(std::uint8_t(i * 13 + 1));
  return bytes;
}

inline Bytes idx_labels(std::uint32_t count) {
  Bytes bytes;
  push_u32(bytes, 0x0801);
  push_u32(bytes, count);
  for (std::uint32_t i = 0; i < count; ++i) bytes.push_back(std::uint8_t(i % 10));
  return bytes;
}

// As scripts/convert_imagenet16.py writes a file (its layout: data/imagenet16.cpp).
inline Bytes imagenet16_file(const Dataset& set) {
  const auto push = [](Bytes& bytes, std::size_t value, int count) {
    for (int i = 0; i < count; ++i) bytes.push_back(std::uint8_t(value >> 8 * i));
  };
  const std::string magic = "RLNASI16";
  Bytes header(magic.begin(), magic.end()), rest;
  for (const std::size_t value : {std::size_t{1}, set.size(), std::size_t(set.height), std::size_t(set.width),
                                  std::size_t(set.classes)})
    push(header, value, 4);
  for (const std::int32_t label : set.labels) push(rest, std::size_t(label), 2);
  rest.insert(rest.end(), set.images.begin(), set.images.end());
  push(header, crc32_of(rest.data(), rest.size(), crc32_of(header.data(), header.size())), 4);
  header.insert(header.end(), rest.begin(), rest.end());
  return header;
}

}  // namespace rlnas::test
