#include "data/resample.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/check.h"

namespace rlnas {
namespace {

constexpr int kPilBits = 22;     // 32 - 8 of the pixel - 2 of head room
constexpr int kOpencvBits = 11;  // so that OpenCV's passes fit 16 bits

// Writes the weights of the output pixel whose centre lies at `center`; returns its first source pixel.
int pil_weights(double center, double scale, int source, std::vector<double>& weights) {
  const double support = std::max(scale, 1.0);
  const int first = std::max(0, int(center - support + 0.5));
  const int last = std::min(source, int(center + support + 0.5));
  weights.clear();
  double sum = 0.0;
  for (int x = first; x < last; ++x) {
    weights.push_back(std::max(0.0, 1.0 - std::abs((x - center + 0.5) * (1.0 / support))));
    sum += weights.back();
  }
  for (double& weight : weights) weight /= sum;
  return first;
}

using Bytes4 = std::uint8_t __attribute__((vector_size(4)));
using Int4 = std::int32_t __attribute__((vector_size(16)));

Int4 load_pixel(const std::uint8_t* pixel) {
  Bytes4 bytes;
  std::memcpy(&bytes, pixel, 4);
  return __builtin_convertvector(bytes, Int4);
}

// Writes columns.count pixels and one byte more; reads one byte beyond the row's last pixel.
void pil_row(const std::uint8_t* row, const AxisTaps& columns, std::uint8_t* target) {
  constexpr Int4 kHalf = {1 << (kPilBits - 1), 1 << (kPilBits - 1), 1 << (kPilBits - 1), 0};
  constexpr Int4 kMost = {255, 255, 255, 255};  // the weights' own rounding may lead beyond
  const std::int32_t* weight = columns.weights.data();
  for (const int first : columns.first) {
    const std::uint8_t* pixel = row + std::size_t(first) * 3;
    Int4 sum = kHalf;
    for (int t = 0; t < columns.width; ++t) sum += load_pixel(pixel + 3 * t) * weight[t];
    sum >>= kPilBits;
    const Bytes4 bytes = __builtin_convertvector(sum > kMost ? kMost : sum, Bytes4);
    std::memcpy(target, &bytes, sizeof bytes);  // the fourth byte is overwritten by the next pixel
    weight += columns.width;
    target += 3;
  }
}

void resample_pil(const RgbImage& source, const AxisTaps& rows, const AxisTaps& columns,
                  ResizeScratch& scratch, std::uint8_t* output) {
  const std::size_t out_row = std::size_t(columns.count()) * 3, source_row = std::size_t(source.width) * 3;
  scratch.bytes.resize(std::size_t(source.height) * out_row + 1);  // [height, columns.count, 3]
  scratch.last_row.assign(source.pixels.end() - std::ptrdiff_t(source_row), source.pixels.end());
  scratch.last_row.push_back(0);
  for (int y = 0; y < source.height; ++y) {
    const bool last = y + 1 == source.height;
    pil_row(last ? scratch.last_row.data() : source.pixels.data() + std::size_t(y) * source_row, columns,
            scratch.bytes.data() + std::size_t(y) * out_row);
  }
  scratch.sums.resize(out_row);
  std::int32_t* sums = scratch.sums.data();
  for (int i = 0; i < rows.count(); ++i, output += out_row) {
    const std::uint8_t* from = scratch.bytes.data() + std::size_t(rows.first[std::size_t(i)]) * out_row;
    std::fill_n(sums, out_row, 1 << (kPilBits - 1));
    for (int t = 0; t < rows.width; ++t, from += out_row) {
      const std::int32_t weight = rows.weights[std::size_t(i * rows.width + t)];
      for (std::size_t x = 0; x < out_row; ++x) sums[x] += weight * from[x];
    }
    for (std::size_t x = 0; x < out_row; ++x) output[x] = std::uint8_t(std::min(sums[x] >> kPilBits, 255));
  }
}

// Both passes take their two pixels from inside: at a border both are the same one.
void resample_opencv(const RgbImage& source, const AxisTaps& rows, const AxisTaps& columns,
                     ResizeScratch& scratch, std::uint8_t* output) {
  const std::size_t out_row = std::size_t(columns.count()) * 3, source_row = std::size_t(source.width) * 3;
  const auto inside = [](int place, int size) { return std::size_t(std::clamp(place, 0, size - 1)); };
  scratch.words.resize(std::size_t(source.height) * out_row);
  std::int16_t* word = scratch.words.data();
  for (int y = 0; y < source.height; ++y) {
    const std::uint8_t* row = source.pixels.data() + std::size_t(y) * source_row;
    for (int i = 0; i < columns.count(); ++i) {
      const int first = columns.first[std::size_t(i)];
      const std::int32_t* weight = &columns.weights[std::size_t(2 * i)];
      const std::uint8_t* left = row + 3 * inside(first, source.width);
      const std::uint8_t* right = row + 3 * inside(first + 1, source.width);
      for (int c = 0; c < 3; ++c) *word++ = std::int16_t((weight[0] * left[c] + weight[1] * right[c]) >> 4);
    }
  }
  for (int i = 0; i < rows.count(); ++i, output += out_row) {
    const int first = rows.first[std::size_t(i)];
    const std::int32_t* weight = &rows.weights[std::size_t(2 * i)];
    const std::int16_t* upper = scratch.words.data() + inside(first, source.height) * out_row;
    const std::int16_t* lower = scratch.words.data() + inside(first + 1, source.height) * out_row;
    for (std::size_t x = 0; x < out_row; ++x)
      output[x] = std::uint8_t((((weight[0] * upper[x]) >> 16) + ((weight[1] * lower[x]) >> 16) + 2) >> 2);
  }
}

AxisTaps opencv_taps(const ResizeAxis& axis) {
  const double scale = 1.0 / (double(axis.target) / axis.length);
  AxisTaps taps;
  taps.width = 2;
  int low = axis.length, high = 0;
  for (int i = axis.first; i < axis.first + axis.count; ++i) {
    const float place = float((i + 0.5) * scale - 0.5);
    const int first = int(std::floor(place));
    const float share = place - float(first);
    low = std::min(low, std::clamp(first, 0, axis.length - 1));
    high = std::max(high, std::clamp(first + 1, 0, axis.length - 1) + 1);
    taps.first.push_back(first);
    for (const float weight : {1.0f - share, share})
      taps.weights.push_back(std::int32_t(std::lrint(weight * float(1 << kOpencvBits))));
  }
  for (int& first : taps.first) first -= low;
  taps.begin = axis.offset + low;
  taps.end = axis.offset + high;
  return taps;
}

}  // namespace

AxisTaps make_taps(const ResizeAxis& axis, ResizeFilter filter) {
  RLNAS_CHECK(filter == ResizeFilter::pil_bilinear || axis.reduction == 1, run_failed,
              "only PIL's filter takes reduced JPEGs");
  if (filter == ResizeFilter::opencv_bilinear) return opencv_taps(axis);
  const double begin = double(axis.offset) / axis.reduction, length = double(axis.length) / axis.reduction;
  const int base = int(std::floor(begin)), source = int(std::ceil(begin + length)) - base;
  const double scale = length / axis.target;
  std::vector<int> first(static_cast<std::size_t>(axis.count));
  std::vector<std::vector<double>> all(first.size());
  int low = source, high = 0;
  std::size_t width = 1;
  for (std::size_t i = 0; i < first.size(); ++i) {
    const double center = (begin - base) + (axis.first + double(i) + 0.5) * scale;
    first[i] = pil_weights(center, scale, source, all[i]);
    while (all[i].size() > 1 && all[i].back() == 0.0) all[i].pop_back();
    low = std::min(low, first[i]);
    high = std::max(high, first[i] + int(all[i].size()));
    width = std::max(width, all[i].size());
  }
  // Every output pixel gets as many taps as the widest one, none of them beyond the end.
  const int available = high - low;
  width = std::min(width, std::size_t(available));
  AxisTaps taps;
  taps.begin = base + low;
  taps.end = base + high;
  taps.width = int(width);
  taps.weights.assign(first.size() * width, 0);
  for (std::size_t i = 0; i < first.size(); ++i) {
    const int wanted = first[i] - low, start = std::min(wanted, available - int(width));
    taps.first.push_back(start);
    for (std::size_t t = 0; t < all[i].size(); ++t) {
      taps.weights[i * width + std::size_t(wanted - start) + t] =
          std::int32_t(all[i][t] * double(1 << kPilBits) + 0.5);
    }
  }
  return taps;
}

void resample(const RgbImage& source, const AxisTaps& rows, const AxisTaps& columns, ResizeFilter filter,
              ResizeScratch& scratch, std::uint8_t* output) {
  RLNAS_CHECK(source.height == rows.end - rows.begin && source.width == columns.end - columns.begin,
              run_failed, "resize: ", source.height, " x ", source.width, " pixels for ",
              rows.end - rows.begin, " x ", columns.end - columns.begin);
  if (filter == ResizeFilter::pil_bilinear)
    resample_pil(source, rows, columns, scratch, output);
  else
    resample_opencv(source, rows, columns, scratch, output);
}

}  // namespace rlnas
