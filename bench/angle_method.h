// Ways to the angle sums beside Backend::angle_sums, which rlnas_bench_angle times in the same run on a CUDA
// device: the own kernel in its other types, and what CUDA's libraries offer. Without CUDA there are none
// (no_cuda/).
#pragma once

#include <memory>
#include <vector>

#include "engine/segment_table.h"
#include "kernels/backend.h"

namespace rlnas::bench {

// `count` pairs of flat buffers, on the device, of the table's layout; rotating over them finds no cache
// warm.
struct AnglePairs {
  Backend& backend;
  const SegmentTable& table;
  std::vector<const float*> w0, w1;

  int count() const { return int(w0.size()); }
};

class AngleMethod {
 public:
  virtual ~AngleMethod() = default;
  // Queues one pass over a pair. Async on the backend's stream.
  virtual void run(int pair) = 0;
};

struct AngleMethodKind {
  const char* name;
  double bytes_an_element;  // moved at least, of both buffers
  std::unique_ptr<AngleMethod> (*make)(const AnglePairs& pairs);
};

// The own kernel with bfloat16 weights and with sums in fp32: cuda/angle_variants.cu.
std::vector<AngleMethodKind> own_angle_methods();
// A device copy, three cuBLAS dots a segment, three cub::DeviceSegmentedReduce: cuda/angle_baselines.cu.
std::vector<AngleMethodKind> library_angle_methods();

}  // namespace rlnas::bench
