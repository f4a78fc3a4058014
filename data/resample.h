// Resizing a part of an image, bit for bit as two libraries do it: PIL's BILINEAR, a triangle filter as wide
// as the reduction, rounded to 8 bits after each pass (torchvision's transforms), and OpenCV's INTER_LINEAR,
// which looks at two pixels however much it reduces (the crop of the published ImageNet SuperNets). Only the
// source pixels that the wanted part of the output needs are read, so that only those have to be decoded.
#pragma once

#include <cstdint>
#include <vector>

#include "data/image_codec.h"

namespace rlnas {

enum class ResizeFilter { pil_bilinear, opencv_bilinear };

// One axis: `length` pixels from `offset` on are stretched or squeezed to `target` pixels, of which `count`
// from `first` on are wanted.
struct ResizeAxis {
  int offset = 0;
  int length = 0;
  int target = 0;
  int first = 0;
  int count = 0;
  // The source is a JPEG reduced by this; offset and length are still of the full image.
  int reduction = 1;
};

// Which source pixels make one output pixel, in fixed point.
struct AxisTaps {
  int begin = 0;  // source pixels [begin, end) are needed
  int end = 0;
  int width = 0;  // taps of every output pixel; those not needed weigh nothing
  // [count], source pixel of the first tap, counted from `begin`; OpenCV's two may lie one pixel outside,
  // where the border's pixel counts.
  std::vector<int> first;
  std::vector<std::int32_t> weights;  // [count, width]

  int count() const { return int(first.size()); }
};

AxisTaps make_taps(const ResizeAxis& axis, ResizeFilter filter);

// Reused from image to image.
struct ResizeScratch {
  std::vector<std::uint8_t> bytes;
  std::vector<std::uint8_t> last_row;
  std::vector<std::int16_t> words;
  std::vector<std::int32_t> sums;
};

// `source` holds exactly the pixels [rows.begin, rows.end) x [columns.begin, columns.end).
// Shapes: output [rows.count, columns.count, 3].
void resample(const RgbImage& source, const AxisTaps& rows, const AxisTaps& columns, ResizeFilter filter,
              ResizeScratch& scratch, std::uint8_t* output);

}  // namespace rlnas
