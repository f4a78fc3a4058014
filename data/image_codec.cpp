#include "data/image_codec.h"

#include <algorithm>
#include <cmath>

#include "kernels/check.h"

namespace rlnas {
namespace {

// The source pixels that make one output pixel along an axis.
struct Taps {
  int first = 0;
  std::vector<float> weights;  // they sum to 1
};

std::vector<Taps> make_taps(int source, int target) {
  const double scale = double(source) / target, width = std::max(scale, 1.0);
  std::vector<Taps> taps(static_cast<std::size_t>(target));
  for (int i = 0; i < target; ++i) {
    const double center = (i + 0.5) * scale;
    const int first = std::max(0, int(center - width + 0.5));
    const int last = std::min(source, int(center + width + 0.5));
    std::vector<double> weights;
    double sum = 0.0;
    for (int s = first; s < last; ++s) {
      weights.push_back(std::max(0.0, 1.0 - std::abs((s - center + 0.5) / width)));
      sum += weights.back();
    }
    Taps& tap = taps[std::size_t(i)];
    tap.first = first;
    for (const double weight : weights) tap.weights.push_back(float(weight / sum));
  }
  return taps;
}

}  // namespace

RgbImage decode_image(std::span<const std::uint8_t> file, int wanted_size) {
  constexpr std::uint8_t kJpegStart[] = {0xff, 0xd8, 0xff};
  constexpr std::uint8_t kPngStart[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  const auto begins_with = [&](std::span<const std::uint8_t> start) {
    return file.size() >= start.size() && std::equal(start.begin(), start.end(), file.begin());
  };
  if (begins_with(kJpegStart)) return decode_jpeg(file, wanted_size);
  if (begins_with(kPngStart)) return decode_png(file);
  fail(ErrorCode::data, file.empty() ? "empty file" : "neither a JPEG nor a PNG file");
}

void resize_to_square(const RgbImage& image, int size, std::uint8_t* output) {
  const std::vector<Taps> columns = make_taps(image.width, size), rows = make_taps(image.height, size);
  const std::size_t out_row = std::size_t(size) * 3;
  std::vector<float> narrow(std::size_t(image.height) * out_row);  // [height, size, 3]
  for (int y = 0; y < image.height; ++y) {
    const std::uint8_t* source = image.pixels.data() + std::size_t(y) * image.width * 3;
    float* target = narrow.data() + std::size_t(y) * out_row;
    for (const Taps& tap : columns) {
      float sum[3] = {0.0f, 0.0f, 0.0f};
      const std::uint8_t* pixel = source + std::size_t(tap.first) * 3;
      for (const float weight : tap.weights) {
        for (int c = 0; c < 3; ++c) sum[c] += weight * float(pixel[c]);
        pixel += 3;
      }
      target = std::copy(sum, sum + 3, target);
    }
  }
  std::vector<float> line(out_row);
  for (const Taps& tap : rows) {
    std::fill(line.begin(), line.end(), 0.0f);
    const float* source = narrow.data() + std::size_t(tap.first) * out_row;
    for (const float weight : tap.weights) {
      for (std::size_t i = 0; i < out_row; ++i) line[i] += weight * source[i];
      source += out_row;
    }
    for (const float value : line) *output++ = std::uint8_t(std::clamp(value + 0.5f, 0.0f, 255.0f));
  }
}

}  // namespace rlnas
