// NAS-Bench-201 training on the simulated device: against the CPU backend, under every stream policy, with
// something failing at every kind of call.
#include <cmath>
#include <filesystem>

#include "engine/safetensors.h"
#include "rlnas/rlnas.hpp"
#include "tests/simulator/simulated.h"
#include "tests/support/temporary_directory.h"

namespace rlnas::test {
namespace {

using simulator::Call;
using simulator::Policy;

// Two epochs of three steps, as small as the network allows: emulated threads are slow.
TrainConfig tiny_run(const std::string& out) {
  TrainConfig config;
  config.data = "synthetic:12";
  config.image_size = 16;
  config.batch_size = 4;
  config.epochs = 2;
  config.log_every = 1;
  config.device = "cuda";
  config.threads = 1;
  config.out = out;
  return config;
}

std::vector<double> train_losses(const TrainConfig& config) {
  std::vector<double> losses;
  TrainCallbacks callbacks;
  callbacks.progress = [&](const TrainProgress& progress) { losses.push_back(progress.loss); };
  train(config, callbacks);
  return losses;
}

TensorFile trained(const std::string& run) {
  return read_safetensors(run + "/latest.safetensors");
}

std::string bytes_of(const std::string& run) {
  return read_text(run + "/latest.safetensors");
}

// The largest difference of a tensor's elements, over its largest element.
double distance(const NamedTensor& a, const NamedTensor& b) {
  REQUIRE(a.name == b.name);
  REQUIRE(a.data.size() == b.data.size());
  double size = 0.0, difference = 0.0;
  for (std::size_t i = 0; i < a.data.size(); ++i) {
    size = std::max(size, std::abs(double(a.data[i])));
    difference = std::max(difference, std::abs(double(a.data[i]) - double(b.data[i])));
  }
  return difference / std::max(size, 1e-30);
}

}  // namespace

TEST_CASE("training on the simulated device equals training on the CPU") {
  // Single operations agree to the tolerances of the case table, 1e-6 or so; six steps of a network with
  // batch norm over four images multiply that.
  constexpr double kLossTolerance = 1e-5, kWeightTolerance = 1e-4;
  const TemporaryDirectory directory;
  TrainConfig config = tiny_run(directory / "cpu");
  config.device = "cpu";
  const std::vector<double> expected = train_losses(config);
  config = tiny_run(directory / "cuda");
  std::vector<double> got;
  on_simulated_device({}, [&] { got = train_losses(config); });
  REQUIRE(got.size() == expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    CAPTURE(i);
    CHECK(std::abs(got[i] - expected[i]) <= kLossTolerance * expected[i]);
  }
  const TensorFile cpu = trained(directory / "cpu"), cuda = trained(directory / "cuda");
  REQUIRE(cpu.tensors.size() == cuda.tensors.size());
  for (std::size_t i = 0; i < cpu.tensors.size(); ++i) {
    CAPTURE(cpu.tensors[i].name);
    CHECK(distance(cpu.tensors[i], cuda.tensors[i]) <= kWeightTolerance);
  }
}

TEST_CASE("training is bit-equal under every policy and seed") {
  const TemporaryDirectory directory;
  std::string first;
  for (const Policy policy : simulator::kPolicies) {
    for (std::uint64_t seed = 1; seed <= (policy == Policy::random ? 3u : 1u); ++seed) {
      const std::string out = directory / (std::string(name_of(policy)) + std::to_string(seed));
      on_simulated_device({.policy = policy, .seed = seed}, [&] { train(tiny_run(out)); });
      if (first.empty()) first = bytes_of(out);
      CHECK(bytes_of(out) == first);
    }
  }
}

}  // namespace rlnas::test
