// Flip, then crop with zero padding, then normalise: each output pixel looks its source up.
#include "kernels/ref/ref_backend.h"

namespace rlnas {

void RefBackend::run(const AugmentImages& call, Workspace) {
  const auto& [spec, images, params, values] = call;
  const RefValues y(values);
  std::size_t to = 0;
  for (int n = 0; n < spec.batch; ++n)
    for (int h = 0; h < spec.height; ++h)
      for (int w = 0; w < spec.width; ++w)
        for (int c = 0; c < AugmentSpec::kChannels; ++c, ++to) {
          const int from_h = h + params[n].shift_y;
          int from_w = w + params[n].shift_x;
          const bool inside = from_h >= 0 && from_h < spec.height && from_w >= 0 && from_w < spec.width;
          if (params[n].flip != 0) from_w = spec.width - 1 - from_w;
          const double value =
              inside ? images[((n * spec.height + from_h) * spec.width + from_w) * AugmentSpec::kChannels + c]
                     : 0;
          const bool cut =
              h >= params[n].cutout_y - spec.cutout / 2 && w >= params[n].cutout_x - spec.cutout / 2 &&
              h < params[n].cutout_y + spec.cutout / 2 && w < params[n].cutout_x + spec.cutout / 2;
          y[to] = float(
              cut ? 0.0 : (value - double(spec.mean[std::size_t(c)])) * double(spec.inv_std[std::size_t(c)]));
        }
}

}  // namespace rlnas
