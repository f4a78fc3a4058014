#include "search/nasbench201/space.h"

#include "kernels/check.h"
#include "search/nasbench201/published_paths.h"
#include "search/nasbench201/truth.h"
#include "search/space_file/published.h"
#include "search/space_file/space.h"

namespace rlnas::nasbench201 {
namespace {

constexpr int kCifarImages = 50000, kImagenet16Images = 151700, kImagenet16Classes = 120;

class Nasbench201 final : public space_file::FileSpace {
 public:
  Nasbench201() : FileSpace(space_file::kNasbench201File, "nasbench201.json", Origin::built_in) {
    info_.signature_tensor = "cells.0.edges.1<-0.2.op.1.weight";
    info_.benchmark_classes = {10, 100, kImagenet16Classes};
    info_.search = {};
    info_.search.evolution.label_draws = kCifarImages;
  }

  std::string text(const Genes& genes) const override { return to_string(cell_of_genes(genes)); }
  // Also takes N or #N (benchmark index) and enum:N (enumeration index).
  Genes parse(const std::string& text) const override { return genes_of_cell(parse_cell(text)); }
  int benchmark_size() const override { return kSpaceSize; }
  Genes benchmark_genes(int index) const override { return genes_of_cell(cell_of_benchmark(index)); }
  std::span<const unsigned char> benchmark_table() const override { return truth_table(); }
  int benchmark_index(const Genes& genes) const override {
    return nasbench201::benchmark_index(cell_of_genes(genes));
  }

  StepPaths make_sampler(const SamplerOptions& options) const override {
    return options.compat == Compat::megvii ? published_paths(options) : FileSpace::make_sampler(options);
  }
  GeneRange published_mutation_range(int) const override { return {1, kOpCount}; }  // never none
  int label_draws(int classes) const override {
    return classes == kImagenet16Classes ? kImagenet16Images : kCifarImages;
  }
};

}  // namespace

const Space& space() {
  static const Nasbench201 space;
  return space;
}

Cell cell_of_genes(const Genes& genes) {
  RLNAS_CHECK(genes.size() == kEdgeCount, run_failed, "a cell has ", kEdgeCount, " genes, not ",
              genes.size());
  Cell cell;
  for (std::size_t edge = 0; edge < kEdgeCount; ++edge) {
    RLNAS_CHECK(genes[edge] >= 0 && genes[edge] < kOpCount, run_failed, "gene ", edge, " is out of range");
    cell.ops[edge] = Op(genes[edge]);
  }
  return cell;
}

Genes genes_of_cell(const Cell& cell) {
  Genes genes;
  for (const Op op : cell.ops) genes.push_back(std::int8_t(op));
  return genes;
}

}  // namespace rlnas::nasbench201
