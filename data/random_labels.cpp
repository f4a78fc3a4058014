#include "data/random_labels.h"

#include "engine/mt19937.h"
#include "engine/philox.h"
#include "kernels/check.h"

namespace rlnas {

std::vector<std::int32_t> random_labels(std::size_t count, int classes, std::uint64_t seed,
                                        LabelSource source) {
  RLNAS_CHECK(classes >= 1, usage, "--label-classes ", classes, ": at least one class is needed");
  std::vector<std::int32_t> labels(count);
  switch (source) {
    case LabelSource::philox: {
      RandomStream random(seed, "labels");
      for (std::int32_t& label : labels) label = std::int32_t(random.below(std::uint32_t(classes)));
      break;
    }
    case LabelSource::numpy: {
      RLNAS_CHECK(seed <= 0xffffffffu, usage, "--label-seed ", seed,
                  ": NumPy's generator (--compat megvii) takes at most 4294967295");
      NumpyRandom random{std::uint32_t(seed)};
      for (std::int32_t& label : labels) label = std::int32_t(random.randint(std::uint32_t(classes)));
      break;
    }
  }
  return labels;
}

}  // namespace rlnas
