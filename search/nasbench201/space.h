// NAS-Bench-201 as a space: six genes, one operation each.
#pragma once

#include "search/nasbench201/cell.h"
#include "search/space.h"

namespace rlnas::nasbench201 {

const Space& space();

// Errors: run_failed for a wrong number of genes or one out of range.
Cell cell_of_genes(const Genes& genes);
Genes genes_of_cell(const Cell& cell);

}  // namespace rlnas::nasbench201
