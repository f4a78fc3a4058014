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

int opencv_weights(double center, int source, std::vector<double>& weights) {
  float place = float(center - 0.5);
  int first = int(std::floor(place));
  place -= float(first);
  if (first < 0 || first >= source - 1) {
    first = std::clamp(first, 0, source - 1);
    place = 0.0f;
  }
  weights.assign({double(1.0f - place), double(place)});
  return first;
}

using Bytes4 = std::uint8_t __attribute__((vector_size(4)));
using Int4 = std::int32_t __attribute__((vector_size(16)));

Int4 load_pixel(const std::uint8_t* pixel) {
  Bytes4 bytes;
  std::memcpy(&bytes, pixel, 4);
  return __builtin_convertvector(bytes, Int4);
}

std::uint8_t pil_round(std::int32_t sum) {
  return std::uint8_t(std::clamp(sum >> kPilBits, 0, 255));
}

// One row of the horizontal pass: store(i, sum) gets the weighted sums of output pixel i. Reads one byte
// beyond the row's last pixel.
template <class Store>
void across(const std::uint8_t* row, const AxisTaps& columns, std::int32_t half, const Store& store) {
  const std::int32_t* weight = columns.weights.data();
  for (int i = 0; i < columns.count(); ++i, weight += columns.width) {
    const std::uint8_t* pixel = row + std::size_t(columns.first[std::size_t(i)]) * 3;
    Int4 sum = {half, half, half, half};
    for (int t = 0; t < columns.width; ++t) sum += load_pixel(pixel + 3 * t) * weight[t];
    store(std::size_t(i), sum);
  }
}

// Calls body(y, row) with rows that have bytes to spare behind them.
template <class Body>
void for_each_row(const RgbImage& source, std::vector<std::uint8_t>& spare, const Body& body) {
  const std::size_t row_bytes = std::size_t(source.width) * 3;
  for (int y = 0; y < source.height; ++y) {
    const std::uint8_t* row = source.pixels.data() + std::size_t(y) * row_bytes;
    if (y + 1 == source.height) {
      spare.assign(row, row + row_bytes);
      spare.push_back(0);
      row = spare.data();
    }
    body(std::size_t(y), row);
  }
}

void resample_pil(const RgbImage& source, const AxisTaps& rows, const AxisTaps& columns,
                  ResizeScratch& scratch, std::uint8_t* output) {
  const std::size_t out_row = std::size_t(columns.count()) * 3;
  // [height, columns.count, 3] and room for one whole vector behind the last pixel
  scratch.bytes.resize(std::size_t(source.height) * out_row + 4);
  std::vector<std::uint8_t> spare;
  for_each_row(source, spare, [&](std::size_t y, const std::uint8_t* row) {
    std::uint8_t* target = scratch.bytes.data() + y * out_row;
    across(row, columns, 1 << (kPilBits - 1), [&](std::size_t i, Int4 sum) {
      sum >>= kPilBits;
      sum = sum < 0 ? Int4{} : sum;
      sum = sum > 255 ? Int4{255, 255, 255, 255} : sum;
      const Bytes4 bytes = __builtin_convertvector(sum, Bytes4);
      std::memcpy(target + 3 * i, &bytes, 4);  // the fourth byte is overwritten by the next pixel
    });
  });
  scratch.sums.resize(out_row);
  for (int i = 0; i < rows.count(); ++i, output += out_row) {
    const std::uint8_t* from = scratch.bytes.data() + std::size_t(rows.first[std::size_t(i)]) * out_row;
    std::int32_t* sums = scratch.sums.data();
    std::fill_n(sums, out_row, 1 << (kPilBits - 1));
    for (int t = 0; t < rows.width; ++t, from += out_row) {
      const std::int32_t weight = rows.weights[std::size_t(i * rows.width + t)];
      for (std::size_t x = 0; x < out_row; ++x) sums[x] += weight * from[x];
    }
    for (std::size_t x = 0; x < out_row; ++x) output[x] = pil_round(sums[x]);
  }
}

void resample_opencv(const RgbImage& source, const AxisTaps& rows, const AxisTaps& columns,
                     ResizeScratch& scratch, std::uint8_t* output) {
  const std::size_t out_row = std::size_t(columns.count()) * 3;
  scratch.words.resize(std::size_t(source.height) * out_row);
  std::vector<std::uint8_t> spare;
  for_each_row(source, spare, [&](std::size_t y, const std::uint8_t* row) {
    std::int16_t* target = scratch.words.data() + y * out_row;
    across(row, columns, 0, [&](std::size_t i, Int4 sum) {
      for (std::size_t c = 0; c < 3; ++c) target[3 * i + c] = std::int16_t(sum[c] >> 4);
    });
  });
  for (int i = 0; i < rows.count(); ++i, output += out_row) {
    const std::int16_t* upper = scratch.words.data() + std::size_t(rows.first[std::size_t(i)]) * out_row;
    const std::int16_t* lower = rows.width > 1 ? upper + out_row : upper;
    const std::int32_t first = rows.weights[std::size_t(i * rows.width)];
    const std::int32_t second = rows.width > 1 ? rows.weights[std::size_t(i * rows.width + 1)] : 0;
    for (std::size_t x = 0; x < out_row; ++x)
      output[x] = std::uint8_t((((first * upper[x]) >> 16) + ((second * lower[x]) >> 16) + 2) >> 2);
  }
}

}  // namespace

AxisTaps make_taps(const ResizeAxis& axis, ResizeFilter filter) {
  const bool pil = filter == ResizeFilter::pil_bilinear;
  const double begin = double(axis.offset) / axis.reduction, length = double(axis.length) / axis.reduction;
  const int base = int(std::floor(begin)), source = int(std::ceil(begin + length)) - base;
  const double scale = length / axis.target;
  std::vector<int> first(static_cast<std::size_t>(axis.count));
  std::vector<std::vector<double>> all(first.size());
  int low = source, high = 0;
  std::size_t width = 1;
  for (std::size_t i = 0; i < first.size(); ++i) {
    const double center = (begin - base) + (axis.first + double(i) + 0.5) * scale;
    first[i] = pil ? pil_weights(center, scale, source, all[i]) : opencv_weights(center, source, all[i]);
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
      const double weight = all[i][t] * double(1 << (pil ? kPilBits : kOpencvBits));
      taps.weights[i * width + std::size_t(wanted - start) + t] =
          std::int32_t(pil ? int(weight + 0.5) : std::lrint(weight));
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
