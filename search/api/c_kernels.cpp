// rlnas.h: angles of float arrays.
#include "rlnas/kernels.hpp"
#include "search/api/c_support.h"

using namespace rlnas::c;
using namespace rlnas;
using kernels::Device;

rlnas_status rlnas_angle_sums(const float* w0, const float* w1, const std::int64_t* offsets,
                              const std::int64_t* counts, std::size_t tensors, double* sums) {
  return guarded([&] {
    std::vector<kernels::TensorSpan> spans;
    for (std::size_t t = 0; t < tensors; ++t)
      spans.push_back({(&required(offsets, "offsets"))[t], (&required(counts, "counts"))[t]});
    if (spans.empty()) return;
    const Device device({.name = "cpu"});
    const std::vector<AngleSums> found =
        kernels::AngleTable(device, spans).sums(&required(w0, "w0"), &required(w1, "w1"));
    double* next = &required(sums, "sums");
    for (const AngleSums& one : found) {
      *next++ = one.dot;
      *next++ = one.norm0_sq;
      *next++ = one.norm1_sq;
    }
  });
}

double rlnas_angle_of_sums(const double sums[3]) {
  return sums == nullptr ? 0.0 : kernels::angle_rad({sums[0], sums[1], sums[2]});
}
