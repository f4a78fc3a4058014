// What the simulated device is: a JSON file in cuDNN's own form, which cuDNN also plans from.
#pragma once

#include <cuda_runtime_api.h>

#include <string>

namespace rlnas::simulator {

class DeviceProperties {
 public:
  // name: of a file of tests/cuda_plans/device_properties. misuse() when it cannot be read.
  explicit DeviceProperties(const std::string& name);

  const std::string& json() const { return json_; }
  const cudaDeviceProp& cuda() const { return cuda_; }

 private:
  std::string json_;
  cudaDeviceProp cuda_{};
};

// Of the device of the options.
const DeviceProperties& device_properties();

}  // namespace rlnas::simulator
