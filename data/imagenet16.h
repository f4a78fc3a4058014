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
#pragma once

#include <string>

#include "data/dataset.h"

namespace rlnas {

inline constexpr char kImagenet16Magic[] = "RLNASI16";
inline constexpr std::uint32_t kImagenet16Version = 1;
inline constexpr std::size_t kImagenet16HeaderBytes = 32;
inline constexpr char kImagenet16Extension[] = ".rlnas16";  // how a directory's converted file is recognised

// Writes images and labels of a data set in the layout above.
// Errors: data when the file cannot be written, or does not fit the layout.
void write_imagenet16(const std::string& path, const Dataset& dataset);

}  // namespace rlnas
