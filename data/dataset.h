// A labelled image set held in memory: uint8 pixels, NHWC, three channels; and what --data says. Its kinds:
// data/loaders.h. Constants: RLNAS code for NAS-Bench-201.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "data/fingerprint.h"

namespace rlnas {

struct Dataset {
  std::string name;  // kind as given to --data: "cifar10", "idx", ...
  int height = 0;
  int width = 0;
  int classes = 0;                   // true classes; 1 for a flat folder
  int crop_padding = 0;              // of the training augmentation: 4 at 32 px, 2 at 16 px
  std::array<float, 3> mean{};       // normalisation, on the 0..255 scale
  std::array<float, 3> std{};        // likewise
  std::vector<std::uint8_t> images;  // [count, height, width, 3]
  std::vector<std::int32_t> labels;  // [count], true labels, 0-based
  std::uint32_t checksum = 0;        // CRC-32 of images, then labels as int32 LE
  std::vector<std::string> skipped;  // files left out, each with its reason ("PATH: why")

  std::size_t image_bytes() const { return std::size_t(height) * width * 3; }
  std::size_t size() const { return labels.size(); }
  DataFingerprint fingerprint() const;
  const std::uint8_t* image(std::size_t index) const { return images.data() + index * image_bytes(); }
};

// What --data names: KIND[:ARGUMENT].
struct DataSpec {
  std::string kind;                     // a DataKind's name
  std::vector<std::string> paths = {};  // one directory, or files; none for synthetic
  int synthetic_count = 0;              // synthetic only; 0: the default
};

// How each kind is written: "cifar10:DIR, ..., synthetic[:N]".
std::string data_kinds();

// Errors: usage, naming the flag --data.
DataSpec parse_data_spec(const std::string& text);

// Test images are for evaluation: normalised by the constants of the training images, also where a kind
// measures them (idx, folder, synthetic).
enum class DataPart { training, test };

// Which published constants CIFAR images are normalised by.
enum class CifarConstants {
  nasbench201,  // of NAS-Bench-201's loader, another triple for each data set
  darts,        // of the DARTS family, the same for both (kDartsCifarNormalisation)
};

enum class BadFiles { skip, fatal };  // --strict-data makes an unreadable image fatal

struct LoadOptions {
  // cifar10, cifar100, idx and synthetic only: of the others the path says which.
  DataPart part = DataPart::training;
  CifarConstants cifar_constants = CifarConstants::nasbench201;
  BadFiles bad_files = BadFiles::skip;  // image folders only; other kinds are always strict
  std::uint64_t seed = 0;               // synthetic only
  int image_size = 32;                  // folder and synthetic only
  int threads = 0;                      // folder and synthetic only; 0: as many as the machine has
};

// Loads the training images, or the test images.
// Errors: data, naming the file; usage for an unknown kind.
// Determinism: same files and options, same bytes, whatever the number of threads.
Dataset load_dataset(const DataSpec& spec, const LoadOptions& options);

// What --check-data reports.
struct DataCheck {
  std::string name;
  std::size_t count = 0;
  int height = 0;
  int width = 0;
  int classes = 0;
  std::array<float, 3> mean{};
  std::array<float, 3> std{};
  std::vector<std::size_t> histogram;  // [classes]: images of each class
  std::uint32_t checksum = 0;
  std::vector<std::string> skipped;
  std::string first_bad;  // "PATH: why" of the first file left out; empty when there is none
};

// Reads everything once; an unreadable image is counted and reported, whatever options.bad_files says.
// Errors: those of load_dataset for everything that is not a single bad image.
DataCheck check_data(const DataSpec& spec, const LoadOptions& options);

}  // namespace rlnas
