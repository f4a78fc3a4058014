#include "search/angle.h"

#include <algorithm>
#include <cmath>

#include "kernels/check.h"

namespace rlnas {

double angle_rad(const AngleSums& sums) {
  const double norms = std::max(std::sqrt(sums.norm0_sq * sums.norm1_sq), 1e-8);
  return std::acos(std::clamp(sums.dot / norms, -1.0, 1.0));
}

void check_sums(const SegmentTable& segments, const std::vector<AngleSums>& sums) {
  RLNAS_CHECK(int(sums.size()) == segments.size(), run_failed, "angle table: ", sums.size(), " sums for ",
              segments.size(), " tensors");
  for (int i = 0; i < segments.size(); ++i) {
    const AngleSums& sum = sums[std::size_t(i)];
    RLNAS_CHECK(std::isfinite(sum.dot) && std::isfinite(sum.norm0_sq) && std::isfinite(sum.norm1_sq),
                run_failed, "tensor ", segments[i].name, " holds NaN or infinite weights");
  }
}

}  // namespace rlnas
