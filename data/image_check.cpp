#include "data/image_check.h"

#include <cmath>
#include <mutex>

#include "data/dataset_parts.h"
#include "data/file_io.h"
#include "data/parallel_for.h"
#include "kernels/check.h"

namespace rlnas {
namespace {

// Exact integers, so that the order of addition does not matter.
struct PixelSums {
  std::uint64_t pixels = 0;
  std::array<std::uint64_t, 3> sum{}, squares{};

  void add(const RgbImage& image) {
    for (std::size_t i = 0; i + 2 < image.pixels.size(); i += 3) {
      for (std::size_t c = 0; c < 3; ++c) {
        const std::uint64_t value = image.pixels[i + c];
        sum[c] += value;
        squares[c] += value * value;
      }
    }
    pixels += image.pixels.size() / 3;
  }
  void add(const PixelSums& other) {
    pixels += other.pixels;
    for (std::size_t c = 0; c < 3; ++c) {
      sum[c] += other.sum[c];
      squares[c] += other.squares[c];
    }
  }
};

struct Seen {
  ImageSize size;
  std::string problem;  // empty: a good image
};

std::int64_t pixels_of(ImageSize size) {
  return std::int64_t{size.height} * size.width;
}

}  // namespace

ImageCheck check_images(const ImageList& list, int threads) {
  std::vector<Seen> seen(list.size());
  PixelSums total;
  std::mutex mutex;
  parallel_for(threads, list.size(), "loading", [&](std::size_t i) {
    const std::string path = list.path(i);
    try {
      const std::vector<std::uint8_t> file = read_bytes(path);
      const ImageSize size = read_image_size(file);
      RgbImage image;
      decode_region(file, {0, 0, size.height, size.width}, image);
      PixelSums sums;
      sums.add(image);
      seen[i].size = size;
      const std::lock_guard lock(mutex);
      total.add(sums);
    } catch (const Error& error) {
      seen[i].problem = named(path, error);
    }
  });
  ImageCheck check;
  check.histogram.resize(std::size_t(list.classes()));
  check.checksum = list.fingerprint(threads).contents;
  check.bad = list.skipped();
  for (std::size_t i = 0; i < seen.size(); ++i) {
    if (!seen[i].problem.empty()) {
      check.bad.push_back(seen[i].problem);
      continue;
    }
    const ImageSize size = seen[i].size;
    if (check.count == 0 || pixels_of(size) < pixels_of(check.smallest)) check.smallest = size;
    if (check.count == 0 || pixels_of(size) > pixels_of(check.largest)) check.largest = size;
    ++check.count;
    ++check.histogram[std::size_t(list.label(i))];
  }
  for (std::size_t c = 0; check.count > 0 && c < 3; ++c) {
    check.mean[c] = double(total.sum[c]) / double(total.pixels);
    check.std[c] = std::sqrt(
        std::max(0.0, double(total.squares[c]) / double(total.pixels) - check.mean[c] * check.mean[c]));
  }
  return check;
}

}  // namespace rlnas
