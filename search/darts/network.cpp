#include "search/darts/network.h"

#include "kernels/check.h"

namespace rlnas::darts {

NetworkSpec published_supernet(Preset preset) {
  if (preset == Preset::cifar) return {preset, 10, 16, 8, 32};
  return {preset, 1000, 48, 14, 224};
}

NetworkSpec published_stand_alone(Preset preset) {
  if (preset == Preset::cifar) return {preset, 10, 36, 20, 32};
  return {preset, 1000, 48, 14, 224};
}

std::vector<CellGeometry> cell_geometries(const NetworkSpec& spec) {
  const bool imagenet = spec.preset == Preset::imagenet;
  const int halvings = imagenet ? 32 : 4;
  RLNAS_CHECK(spec.classes > 0, usage, "--classes ", spec.classes, ": must be positive");
  RLNAS_CHECK(spec.channels > 0 && spec.channels % 2 == 0, usage, "--channels ", spec.channels,
              ": must be positive and even");
  RLNAS_CHECK(spec.cells >= 3, usage, "--cells ", spec.cells, ": a DARTS network has at least 3");
  RLNAS_CHECK(spec.image_size > 0 && spec.image_size % halvings == 0, usage, "--image-size ", spec.image_size,
              ": must be a positive multiple of ", halvings);
  std::vector<CellGeometry> cells;
  int channels = spec.channels, size = imagenet ? spec.image_size / 8 : spec.image_size;
  int before_last = imagenet ? channels : 3 * channels, last = before_last;
  bool reduces_input0 = imagenet;  // the first stem's output is twice as large as the second's
  for (int c = 0; c < spec.cells; ++c) {
    const CellKind kind = cell_kind(c, spec.cells);
    const int out_size = kind == CellKind::reduce ? size / 2 : size;
    if (kind == CellKind::reduce) channels *= 2;
    cells.push_back({kind, reduces_input0, before_last, last, channels, size, out_size});
    before_last = last;
    last = kNodeCount * channels;
    size = out_size;
    reduces_input0 = kind == CellKind::reduce;
  }
  return cells;
}

}  // namespace rlnas::darts
