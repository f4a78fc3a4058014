// Ways to the three sums of an angle that rlnas_bench_angle times side by side: the backend's primitive, what
// libraries offer, and as the yardstick a plain read of the same buffers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/segment_table.h"
#include "kernels/backend.h"

namespace rlnas::bench {

// Flat buffers on the device, each of the table's layout. Going from set to set finds no cache warm.
struct AngleOperands {
  struct Set {
    const float* w0;
    std::vector<const float*> w1;
  };

  Backend& backend;
  int threads;  // of the CPU
  const SegmentTable& table;
  std::vector<Set> sets;

  int checkpoints() const { return int(sets.front().w1.size()); }
};

class AngleMethod {
 public:
  virtual ~AngleMethod() = default;
  // Queues one pass over a set. Async on the backend's stream.
  virtual void run(int set) = 0;
  // Of the last run, [checkpoint, part]: parts are tensors, or one whole buffer. Empty of what only reads.
  virtual std::vector<AngleSums> sums() = 0;
};

struct AngleMethodKind {
  std::string name;
  double element_bytes;
  std::unique_ptr<AngleMethod> (*make)(const AngleOperands& operands);
};

// The first is the yardstick, the second the backend's primitive.
std::vector<AngleMethodKind> angle_methods();

// The parts of angle_methods(). On the CPU (cpu_angle_methods.cpp) with `blas_dots` where use_blas was
// called.
std::vector<AngleMethodKind> cpu_angle_methods();
// cblas_sdot of this shared library. Errors: usage when it has none.
void use_blas(const std::string& path);
// The own kernel with bfloat16 weights and with sums in fp32: cuda/angle_variants.cu, no_cuda/.
std::vector<AngleMethodKind> own_angle_methods();
// A plain read, then cuBLAS's dots and CUB's reduction: cuda/angle_baselines.cu, no_cuda/.
std::vector<AngleMethodKind> library_angle_methods();

}  // namespace rlnas::bench
