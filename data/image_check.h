// --check-data for an image folder that is read as it goes: every file is decoded to its last row once.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "data/image_codec.h"
#include "data/image_list.h"

namespace rlnas {

struct ImageCheck {
  std::size_t count = 0;                // good images
  std::vector<std::size_t> histogram;   // [classes]: good images of each class
  ImageSize smallest, largest;          // by number of pixels
  std::array<double, 3> mean{}, std{};  // of all pixels, 0..255
  std::uint32_t checksum = 0;           // ImageList::fingerprint's, of the contents
  std::vector<std::string> bad;         // "PATH: why", in the list's order
};

// Errors: none for single files, whatever is wrong with them.
// Determinism: the same for any number of threads.
ImageCheck check_images(const ImageList& list, int threads);

}  // namespace rlnas
