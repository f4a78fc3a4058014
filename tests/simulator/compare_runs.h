// Whole training runs held against each other.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "engine/safetensors.h"
#include "rlnas/train.hpp"

namespace rlnas::test {

struct TrainedRun {
  std::vector<double> losses;  // after every step
  TensorFile model;
};

inline TrainedRun train_run(const TrainConfig& config) {
  TrainedRun run;
  TrainCallbacks callbacks;
  callbacks.progress = [&](const TrainProgress& progress) { run.losses.push_back(progress.loss); };
  train(config, callbacks);
  run.model = read_safetensors(config.run.out + "/latest.safetensors");
  return run;
}

// The largest difference of a tensor's elements, over its largest element. A tensor may be nothing but
// rounding: a beta that a batch norm takes out again has a gradient of zero.
inline double distance(const NamedTensor& a, const NamedTensor& b) {
  REQUIRE(a.name == b.name);
  REQUIRE(a.data.size() == b.data.size());
  constexpr double kRounding = 1e-4;  // lr * gradient, of which 1e-5 is noise
  double size = kRounding, difference = 0.0;
  for (std::size_t i = 0; i < a.data.size(); ++i) {
    size = std::max(size, std::abs(double(a.data[i])));
    difference = std::max(difference, std::abs(double(a.data[i]) - double(b.data[i])));
  }
  return difference / size;
}

struct RunTolerance {
  double loss = 0.0;     // relative
  double weights = 0.0;  // as distance()
};

inline void check_close(const TrainedRun& got, const TrainedRun& expected, const RunTolerance& tolerance) {
  REQUIRE(got.losses.size() == expected.losses.size());
  for (std::size_t i = 0; i < got.losses.size(); ++i) {
    CAPTURE(i);
    CHECK(std::abs(got.losses[i] - expected.losses[i]) <= tolerance.loss * expected.losses[i]);
  }
  REQUIRE(got.model.tensors.size() == expected.model.tensors.size());
  for (std::size_t i = 0; i < got.model.tensors.size(); ++i) {
    CAPTURE(got.model.tensors[i].name);
    CHECK(distance(got.model.tensors[i], expected.model.tensors[i]) <= tolerance.weights);
  }
}

}  // namespace rlnas::test
