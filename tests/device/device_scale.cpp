#include "tests/device/scale.h"

namespace rlnas::test {

const DeviceScale& device_scale() {
  static const DeviceScale scale{Cases::all,
                                 {{"nasbench201", 32, 32, 10, 0.025},
                                  {"darts-cifar", 32, 16, 10, 0.025},
                                  {"darts-imagenet", 224, 8, 10, 0.025},
                                  {"mobilenet", 224, 16, 10, 0.025}}};
  return scale;
}

}  // namespace rlnas::test
