// The MobileNet space: 21 genes, an operation for each block, searched under a cap on FLOPs. Source:
// method.md 6, 8.1.
#pragma once

#include "search/mobilenet/architecture.h"
#include "search/space.h"

namespace rlnas::mobilenet {

const Space& space();

// Errors: run_failed for a wrong number of genes or one out of range.
Architecture architecture_of_genes(const Genes& genes);
Genes genes_of_architecture(const Architecture& architecture);

}  // namespace rlnas::mobilenet
