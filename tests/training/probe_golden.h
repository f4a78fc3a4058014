// The SuperNet and images of tests/golden/supernet_probe_golden.json, whose values PyTorch has computed.
#pragma once

#include <string>

#include "search/supernet_data.h"
#include "tests/training/supernet_files.h"

namespace rlnas::test {

inline constexpr int kProbeGoldenClasses = 10;

// Convolutions are small enough that the noise of flatness changes much (a batch norm follows each, so their
// size alone changes nothing), the classifier so large that images differ in their losses.
inline std::string write_probe_golden_weights(const std::string& path) {
  return write_supernet(path, find_space("nasbench201"), kProbeGoldenClasses, 21,
                        [](const Segment& segment, std::vector<float>& values) {
                          const bool convolution = segment.shape.size() == 4;
                          const float scale =
                              convolution ? 0.5f : (segment.name == "classifier.weight" ? 8.0f : 1.0f);
                          for (float& value : values) value *= scale;
                        });
}

// 36 held-out images in batches of 20 and 16; two batches of 20 for statistics, cropped and flipped.
inline SuperNetData probe_golden_data(const std::string& weights) {
  SuperNetConfig config;
  config.weights = weights;
  config.run = labelled_run("");
  config.recalibration_batches = 2;
  config.eval_images = 36;
  config.batch = 20;
  return SuperNetData(config, kProbeGoldenClasses, {.weights = true, .images = true, .labels = true});
}

}  // namespace rlnas::test
