// Flip, shifted crop and normalisation of uint8 images, a row at a time.
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/parallel.h"

namespace rlnas {
namespace {

constexpr int kC = AugmentSpec::kChannels;

// Columns of the flipped image that lie in the crop are [begin, end) of the output; the rest is padding.
void augment_row(const AugmentSpec& spec, const std::uint8_t* row, const AugmentParams& params,
                 const float* padding, float* to) {
  const int width = spec.width;
  const int begin = std::clamp(-int(params.shift_x), 0, width);
  const int end = std::clamp(width - int(params.shift_x), begin, width);
  for (int x = 0; x < begin; ++x) std::copy_n(padding, kC, to + x * kC);
  const int step = params.flip != 0 ? -kC : kC;
  const int first = begin + params.shift_x;  // in the flipped image
  const std::uint8_t* from = row + (params.flip != 0 ? width - 1 - first : first) * kC;
  for (int x = begin; x < end; ++x, from += step)
    for (int c = 0; c < kC; ++c)
      to[x * kC + c] = (float(from[c]) - spec.mean[std::size_t(c)]) * spec.inv_std[std::size_t(c)];
  for (int x = end; x < width; ++x) std::copy_n(padding, kC, to + x * kC);
}

// Blanks the part of row h that lies in the cutout.
void cut_row(const AugmentSpec& spec, std::int64_t h, const AugmentParams& params, float* to) {
  const int half = spec.cutout / 2;
  if (h < params.cutout_y - half || h >= params.cutout_y + half) return;
  const int begin = std::clamp(params.cutout_x - half, 0, spec.width);
  const int end = std::clamp(params.cutout_x + half, begin, spec.width);
  std::fill(to + begin * kC, to + end * kC, 0.0f);
}

}  // namespace

void CpuBackend::run(const AugmentImages& call, Workspace) {
  const auto& [spec, images, params, values] = call;
  float* const y = values;
  RLNAS_CHECK(spec.batch > 0 && spec.height > 0 && spec.width > 0, run_failed,
              "augmentation: a size in its spec is not positive");
  float padding[kC];
  for (int c = 0; c < kC; ++c) padding[c] = (0.0f - spec.mean[std::size_t(c)]) * spec.inv_std[std::size_t(c)];
  const std::int64_t row_size = std::int64_t(spec.width) * kC;
  const std::int64_t rows = std::int64_t(spec.batch) * spec.height;
  parallel_ranges(threads_, rows, items_per_block(row_size * std::int64_t(sizeof(float))),
                  [&](std::int64_t begin, std::int64_t end) {
                    for (std::int64_t row = begin; row < end; ++row) {
                      const std::int64_t n = row / spec.height, from = row % spec.height + params[n].shift_y;
                      float* const to = y + row * row_size;
                      if (from >= 0 && from < spec.height)
                        augment_row(spec, images + (n * spec.height + from) * row_size, params[n], padding,
                                    to);
                      else
                        for (int x = 0; x < spec.width; ++x) std::copy_n(padding, kC, to + x * kC);
                      cut_row(spec, row % spec.height, params[n], to);
                    }
                  });
}

}  // namespace rlnas
