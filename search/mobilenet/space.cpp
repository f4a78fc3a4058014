#include "search/mobilenet/space.h"

#include "kernels/check.h"
#include "search/mobilenet/published_paths.h"
#include "search/space_file/published.h"
#include "search/space_file/space.h"

namespace rlnas::mobilenet {
namespace {

class Mobilenet final : public space_file::FileSpace {
 public:
  Mobilenet() : FileSpace(space_file::kMobilenetFile, "mobilenet.json", Origin::built_in) {
    info_.signature_tensor = "MBConv_ratio_1.conv.0.weight";
    info_.cost_name = "FLOPs";
  }

  std::string text(const Genes& genes) const override { return to_string(architecture_of_genes(genes)); }
  Genes parse(const std::string& text) const override {
    return genes_of_architecture(parse_architecture(text));
  }
  std::string drawing(const Genes& genes) const override {
    return mobilenet::drawing(architecture_of_genes(genes));
  }
  StepPaths make_sampler(const SamplerOptions& options) const override {
    return options.compat == Compat::megvii ? published_paths() : FileSpace::make_sampler(options);
  }
  PublishedSearch published_search() const override { return PublishedSearch::count_attempts; }
};

}  // namespace

const Space& space() {
  static const Mobilenet space;
  return space;
}

Architecture architecture_of_genes(const Genes& genes) {
  RLNAS_CHECK(genes.size() == kBlockCount, run_failed, "an architecture has ", kBlockCount, " genes, not ",
              genes.size());
  Architecture architecture;
  for (std::size_t b = 0; b < kBlockCount; ++b) {
    RLNAS_CHECK(genes[b] >= 0 && genes[b] < kBlocks[b].options(), run_failed, "gene ", b, " is out of range");
    architecture.ops[b] = Op(genes[b]);
  }
  return architecture;
}

Genes genes_of_architecture(const Architecture& architecture) {
  Genes genes;
  genes.reserve(kBlockCount);
  for (const Op op : architecture.ops) genes.push_back(std::int8_t(op));
  return genes;
}

}  // namespace rlnas::mobilenet
