#include "data/dataset_parts.h"

#include <bit>
#include <cmath>

#include "engine/crc32.h"
#include "engine/interruption.h"
#include "kernels/check.h"

namespace rlnas {

namespace {

std::uint32_t labels_crc(const Dataset& dataset, std::uint32_t start) {
  static_assert(std::endian::native == std::endian::little, "labels are hashed as little-endian int32");
  return crc32_of(dataset.labels.data(), dataset.labels.size() * sizeof(std::int32_t), start);
}

}  // namespace

void check_label(const std::string& path, std::size_t record, int label, int classes) {
  RLNAS_CHECK(label >= 0 && label < classes, data, path, ": record ", record, " has label ", label,
              ", outside of 0..", classes - 1);
}

void measure_normalisation(Dataset& dataset) {
  std::array<std::uint64_t, 3> sum{}, sum_sq{};
  constexpr std::size_t kBetweenQuestions = 3 << 20;
  for (std::size_t i = 0; i + 2 < dataset.images.size(); i += 3) {
    if (i % kBetweenQuestions == 0) check_interruption();
    for (std::size_t c = 0; c < 3; ++c) {
      const std::uint64_t value = dataset.images[i + c];
      sum[c] += value;
      sum_sq[c] += value * value;
    }
  }
  const double pixels = double(dataset.images.size() / 3);
  for (std::size_t c = 0; c < 3; ++c) {
    const double mean = double(sum[c]) / pixels;
    const double variance = double(sum_sq[c]) / pixels - mean * mean;
    dataset.mean[c] = float(mean);
    dataset.std[c] = variance > 1e-6 ? float(std::sqrt(variance)) : 1.0f;
  }
}

void finish_dataset(Dataset& dataset, const std::string& source) {
  RLNAS_CHECK(!dataset.labels.empty(), data, source, ": holds no images");
  dataset.crop_padding = dataset.height / 8;
  dataset.checksum = labels_crc(dataset, crc32_of(dataset.images.data(), dataset.images.size()));
}

DataFingerprint Dataset::fingerprint() const {
  return {.images = size(), .listing = labels_crc(*this, 0), .contents = checksum};
}

std::string named(const std::string& path, const Error& error) {
  const std::string reason = error.what();
  return reason.starts_with(path) ? reason : path + ": " + reason;
}

void interleave_channels(const std::uint8_t* planar, std::size_t pixels, std::uint8_t* interleaved) {
  for (std::size_t p = 0; p < pixels; ++p) {
    interleaved[3 * p] = planar[p];
    interleaved[3 * p + 1] = planar[pixels + p];
    interleaved[3 * p + 2] = planar[2 * pixels + p];
  }
}

}  // namespace rlnas
