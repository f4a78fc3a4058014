// The two DARTS spaces: 28 genes, the operations of the normal and of the reduction cell. Source:
// method.md 2.4, 8.1.
#pragma once

#include "search/darts/cell.h"
#include "search/space.h"

namespace rlnas::darts {

inline constexpr int kGeneCount = kCellKinds * kEdgeCount;  // normal cell first

const Space& cifar_space();
const Space& imagenet_space();

// Errors: run_failed for a wrong number of genes or one out of range.
Architecture architecture_of_genes(const Genes& genes);
Genes genes_of_architecture(const Architecture& architecture);

}  // namespace rlnas::darts
