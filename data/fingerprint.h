// What tells one set of images from another: a run that goes on must find the one it was started with, and
// all ranks must read the same.
#pragma once

#include <cstdint>

namespace rlnas {

struct DataFingerprint {
  std::uint64_t images = 0;
  // CRC-32 of the labels, and of the files' names where a folder is read as it goes.
  std::uint32_t listing = 0;
  // CRC-32 of all there is: the labels and pixels in memory, or the listing and the bytes of some of the
  // files (ImageList::fingerprint).
  std::uint32_t contents = 0;

  friend bool operator==(const DataFingerprint&, const DataFingerprint&) = default;
};

}  // namespace rlnas
