#include "data/synthetic.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "data/dataset_parts.h"
#include "data/loaders.h"
#include "data/parallel_for.h"
#include "engine/philox.h"
#include "kernels/check.h"

namespace rlnas {
namespace {

// What a class does to its discs. Radii are for 32-pixel images and scale with the size.
struct LeafStyle {
  float min_radius;  // pixels
  float max_radius;
  std::array<float, 3> color;  // mean, 0..255
  float color_spread;          // half width of the uniform deviation
  float stripe_contrast;       // 0: plain discs
  float stripe_period;         // pixels
};

constexpr std::array<LeafStyle, SyntheticSpec::kClasses> kStyles{{
    {1.0f, 6.0f, {150, 90, 70}, 80, 0, 4},       // small, reddish, plain
    {1.0f, 6.0f, {80, 140, 90}, 80, 50, 3},      // small, greenish, fine stripes
    {1.5f, 10.0f, {90, 110, 170}, 90, 0, 4},     // medium, bluish, plain
    {1.5f, 10.0f, {130, 130, 120}, 110, 60, 4},  // medium, any colour, striped
    {2.0f, 14.0f, {170, 150, 80}, 70, 30, 6},    // large, yellowish, wide stripes
    {2.0f, 14.0f, {110, 80, 140}, 90, 70, 3},    // large, violet, strong fine stripes
    {3.0f, 18.0f, {90, 150, 150}, 80, 0, 4},     // very large, cyan, plain
    {3.0f, 18.0f, {140, 110, 90}, 60, 50, 8},    // very large, brown, wide stripes
    {1.0f, 18.0f, {120, 120, 120}, 120, 0, 4},   // all sizes, any colour, plain
    {0.8f, 3.0f, {120, 125, 110}, 100, 20, 2},   // gravel
}};

struct Disc {
  float x, y, radius;
  std::array<float, 3> color;
  float stripe_x, stripe_y;  // periods per pixel along each axis
  float phase;
};

Disc draw_disc(const LeafStyle& style, int size, RandomStream& random) {
  const float scale = float(size) / 32.0f;
  const float low = style.min_radius * scale, high = style.max_radius * scale;
  Disc disc{};
  // Density r^-3, which looks the same at every scale: invert its distribution function.
  const float near = 1.0f / (low * low), far = 1.0f / (high * high);
  disc.radius = 1.0f / std::sqrt(near + random.uniform() * (far - near));
  disc.x = random.uniform() * (float(size) + 2 * disc.radius) - disc.radius;
  disc.y = random.uniform() * (float(size) + 2 * disc.radius) - disc.radius;
  for (std::size_t c = 0; c < 3; ++c) {
    disc.color[c] = style.color[c] + style.color_spread * (2 * random.uniform() - 1);
  }
  // A direction without sin and cos: a point of the square, brought to the stripe's frequency.
  const float dx = 2 * random.uniform() - 1, dy = 2 * random.uniform() - 1;
  const float frequency = 1.0f / (style.stripe_period * scale * std::sqrt(dx * dx + dy * dy + 1e-6f));
  disc.stripe_x = dx * frequency;
  disc.stripe_y = dy * frequency;
  disc.phase = random.uniform();
  return disc;
}

// -1..1, a triangle wave of period 1.
float triangle_wave(float t) {
  const float part = t - std::floor(t);
  return 4 * std::abs(part - 0.5f) - 1;
}

// Front to back: a pixel belongs to the first disc that covers it.
void draw_image(const LeafStyle& style, int size, RandomStream& random, std::uint8_t* image) {
  constexpr int kMaxDiscs = 4000;
  std::vector<std::uint8_t> covered(std::size_t(size) * size, 0);
  std::size_t open = covered.size();
  for (int d = 0; d < kMaxDiscs && open > 0; ++d) {
    Disc disc = draw_disc(style, size, random);
    // The last one fills what is still open.
    if (d == kMaxDiscs - 1) disc.radius = 4 * float(size);
    const int top = std::max(0, int(std::floor(disc.y - disc.radius)));
    const int bottom = std::min(size, int(std::floor(disc.y + disc.radius)) + 1);
    const int left = std::max(0, int(std::floor(disc.x - disc.radius)));
    const int right = std::min(size, int(std::floor(disc.x + disc.radius)) + 1);
    for (int y = top; y < bottom; ++y) {
      for (int x = left; x < right; ++x) {
        const std::size_t pixel = std::size_t(y) * std::size_t(size) + std::size_t(x);
        const float dx = float(x) + 0.5f - disc.x, dy = float(y) + 0.5f - disc.y;
        if (covered[pixel] != 0 || dx * dx + dy * dy > disc.radius * disc.radius) continue;
        covered[pixel] = 1;
        --open;
        const float stripe =
            style.stripe_contrast * triangle_wave(dx * disc.stripe_x + dy * disc.stripe_y + disc.phase);
        const float noise = 12 * (random.uniform() - 0.5f);
        for (std::size_t c = 0; c < 3; ++c) {
          image[3 * pixel + c] = std::uint8_t(std::clamp(disc.color[c] + stripe + noise, 0.0f, 255.0f));
        }
      }
    }
  }
}

}  // namespace

Dataset load_synthetic(const DataSpec& spec, const LoadOptions& options) {
  SyntheticSpec synthetic{.size = options.image_size,
                          .seed = options.part == DataPart::test ? ~options.seed : options.seed,
                          .threads = options.threads};
  if (spec.synthetic_count != 0) synthetic.count = spec.synthetic_count;
  return make_synthetic(synthetic);
}

Dataset make_synthetic(const SyntheticSpec& spec) {
  RLNAS_CHECK(spec.count >= 1 && spec.count <= 10'000'000, usage, "--data synthetic:", spec.count,
              ": 1 to 10000000 images can be made");
  RLNAS_CHECK(spec.size >= 8 && spec.size <= 256, usage, "image size ", spec.size,
              ": synthetic images have 8 to 256 pixels");
  Dataset dataset;
  dataset.name = "synthetic";
  dataset.height = dataset.width = spec.size;
  dataset.classes = SyntheticSpec::kClasses;
  dataset.images.resize(std::size_t(spec.count) * dataset.image_bytes());
  dataset.labels.resize(std::size_t(spec.count));
  parallel_for(spec.threads, dataset.size(), "loading", [&](std::size_t i) {
    const std::size_t label = i % SyntheticSpec::kClasses;
    RandomStream random(spec.seed, "synthetic", 0, i);
    draw_image(kStyles[label], spec.size, random, dataset.images.data() + i * dataset.image_bytes());
    dataset.labels[i] = std::int32_t(label);
  });
  finish_dataset(dataset, "synthetic");
  measure_normalisation(dataset);
  return dataset;
}

}  // namespace rlnas
