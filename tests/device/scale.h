// How much of it is run: all of it on a device, as much as an emulated one can in a rehearsal. Twins:
// device_scale.cpp, rehearsal_scale.cpp.
#pragma once

#include <vector>

namespace rlnas::test {

enum class Cases {
  all,               // of the table
  one_of_each_kind,  // the first of each primitive
};

// Of a SuperNet in training.
struct SpaceScale {
  const char* space;
  int image_size, batch, steps;
  double learning_rate;
};

struct DeviceScale {
  Cases cases;
  std::vector<SpaceScale> spaces;  // each at its published width and depth
};
const DeviceScale& device_scale();

}  // namespace rlnas::test
