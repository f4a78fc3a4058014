// The three sums of every SuperNet tensor from two checkpoint files: the weights before and after training.
#pragma once

#include <string>
#include <vector>

#include "engine/segment_table.h"
#include "kernels/backend.h"

namespace rlnas {

struct CheckpointAngles {
  std::string space;  // "nasbench201", ...
  int classes = 0;
  SegmentTable segments;
  std::vector<AngleSums> sums;  // one per segment
};

// Reads two safetensors files of a SuperNet of `space`, or of the one that their metadata names or their
// tensors show, in this order; the number of classes is that of classifier.weight. Batch-norm statistics and
// arch_parameters are ignored. Errors: usage when the file says that it is of another space; data, naming the
// file: missing or damaged, not a complete SuperNet of the space, a tensor of another shape, an unknown
// tensor, NaN or infinite weights, or two files with different numbers of classes.
CheckpointAngles checkpoint_angle_sums(Backend& backend, const std::string& init_path,
                                       const std::string& trained_path, const std::string& space = "");

// What a file of a SuperNet's weights is of; `space` as above. Errors: likewise.
struct CheckpointKind {
  std::string space;
  int classes = 0;
};
CheckpointKind checkpoint_kind(const std::string& path, const std::string& space = "");

}  // namespace rlnas
