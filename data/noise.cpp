// Images without content, for networks that learn random labels from noise (UnrealNAS, Zhang et al. 2022):
// every value N(128, 64) on its own, cut off at 0 and 255.
#include <algorithm>
#include <cmath>

#include "data/dataset_parts.h"
#include "data/loaders.h"
#include "data/parallel_for.h"
#include "engine/philox.h"
#include "kernels/check.h"

namespace rlnas {
namespace {

constexpr int kDefaultCount = 10000, kClasses = 10;
constexpr double kMean = 128.0, kDeviation = 64.0;

}  // namespace

Dataset load_noise(const DataSpec& spec, const LoadOptions& options) {
  const int count = spec.synthetic_count != 0 ? spec.synthetic_count : kDefaultCount;
  RLNAS_CHECK(count <= 10'000'000, usage, "--data noise:", count, ": 1 to 10000000 images can be made");
  RLNAS_CHECK(options.image_size >= 8 && options.image_size <= 256, usage, "image size ", options.image_size,
              ": noise images have 8 to 256 pixels");
  Dataset dataset;
  dataset.name = "noise";
  dataset.height = dataset.width = options.image_size;
  dataset.classes = kClasses;
  dataset.images.resize(std::size_t(count) * dataset.image_bytes());
  dataset.labels.resize(std::size_t(count));
  const std::uint64_t seed = options.part == DataPart::test ? ~options.seed : options.seed;
  parallel_for(options.threads, dataset.size(), "loading", [&](std::size_t i) {
    RandomStream random(seed, "noise", 0, i);
    std::uint8_t* const pixels = dataset.images.data() + i * dataset.image_bytes();
    for (std::size_t p = 0; p < dataset.image_bytes(); ++p)
      pixels[p] = std::uint8_t(std::clamp(std::lround(kMean + kDeviation * random.normal()), 0l, 255l));
    dataset.labels[i] = std::int32_t(i % kClasses);
  });
  finish_dataset(dataset, "noise");
  measure_normalisation(dataset);
  return dataset;
}

}  // namespace rlnas
