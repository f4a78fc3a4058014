// The three sums of every SuperNet tensor from two checkpoint files: the weights before and after training.
#pragma once

#include <string>
#include <vector>

#include "engine/segment_table.h"
#include "kernels/backend.h"

namespace rlnas::nasbench201 {

struct CheckpointAngles {
  int classes = 0;
  SegmentTable segments;
  std::vector<AngleSums> sums;  // one per segment
};

// Reads two safetensors files of a NAS-Bench-201 SuperNet; the number of classes is that of
// classifier.weight. Batch-norm statistics and arch_parameters are ignored. Errors: data, naming the file:
// missing or damaged, not a complete NAS-Bench-201 SuperNet, a tensor of another shape, an unknown tensor,
// NaN or infinite weights, or two files with different numbers of classes.
CheckpointAngles checkpoint_angle_sums(Backend& backend, const std::string& init_path,
                                       const std::string& trained_path);

}  // namespace rlnas::nasbench201
