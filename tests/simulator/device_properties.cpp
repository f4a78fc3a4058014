#include "tests/simulator/device_properties.h"

#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>

#include "tests/simulator/state.h"

namespace rlnas::simulator {

DeviceProperties::DeviceProperties(const std::string& name) {
  const std::string path = std::string(RLNAS_DEVICE_PROPERTIES_DIR "/") + name + ".json";
  std::ifstream file(path);
  json_.assign(std::istreambuf_iterator<char>(file), {});
  const auto fields = nlohmann::json::parse(json_, nullptr, false);
  if (!fields.is_object()) misuse("no properties of a device in " + path);
  const std::string title = "Simulated " + fields["deviceName"].get<std::string>();
  std::snprintf(cuda_.name, sizeof(cuda_.name), "%s", title.c_str());
  cuda_.major = fields["deviceVer"].get<int>() / 100;
  cuda_.minor = fields["deviceVer"].get<int>() / 10 % 10;
  cuda_.totalGlobalMem = fields["totalGlobalMem"];
  cuda_.multiProcessorCount = fields["multiProcessorCount"];
  cuda_.l2CacheSize = fields["l2CacheSize"];
  cuda_.warpSize = fields["warpSize"];
  cuda_.maxThreadsPerBlock = fields["maxThreadsPerBlock"];
  cuda_.maxThreadsPerMultiProcessor = fields["maxThreadsPerSM"];
  cuda_.maxBlocksPerMultiProcessor = fields["maxCtasPerSM"];
  cuda_.regsPerBlock = fields["regsPerBlock"];
  cuda_.regsPerMultiprocessor = fields["maxRegistersPerSM"];
  cuda_.sharedMemPerBlock = fields["maxSharedMemoryPerBlock"];
  cuda_.sharedMemPerBlockOptin = fields["maxSharedMemoryPerBlockOptin"];
}

const DeviceProperties& device_properties() {
  static auto* const read = new std::map<std::string, DeviceProperties>;
  const std::string& name = state().options.device;
  return read->try_emplace(name, name).first->second;
}

}  // namespace rlnas::simulator
