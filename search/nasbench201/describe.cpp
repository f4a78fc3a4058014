#include "search/nasbench201/describe.h"

#include "search/nasbench201/counts.h"

namespace rlnas::nasbench201 {

CellDescription describe(const Cell& cell, int classes, int image_size) {
  return {cell,
          benchmark_index(cell),
          enumeration_index(cell),
          macs(cell, classes, image_size),
          params(cell, classes),
          live_paths(cell),
          path_multiplicity(cell),
          angle_vector_length(cell, classes)};
}

}  // namespace rlnas::nasbench201
