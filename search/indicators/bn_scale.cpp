// BN-NAS (Chen et al., ICCV 2021): how far trained batch norms scale up what the chosen operations put out.
// Of every choice that an architecture makes the mean magnitude of gamma in the chosen operation's last batch
// norm; their sum over all choices, those of a cell counted in each cell of its kind. An operation without a
// batch norm, such as an identity, adds nothing.
#include <array>
#include <cmath>
#include <map>

#include "kernels/check.h"
#include "search/indicators/groups.h"
#include "search/spaces.h"
#include "search/supernet_probe.h"

namespace rlnas {
namespace {

// Batch norms that belong to a choice and have a gamma: the last one of each (cell, edge) by its node.
std::map<std::pair<int, int>, const Node*> last_norms(const Graph& graph) {
  std::map<std::pair<int, int>, const Node*> last;
  for (const Node& node : graph.nodes())
    if (node.kind == NodeKind::batch_norm && node.affine == Affine::yes && node.owner.edge >= 0)
      last[{node.owner.cell, node.owner.edge}] = &node;
  return last;
}

class BnScale final : public IndicatorGroup {
 public:
  std::span<const IndicatorInfo> infos() const override {
    static constexpr std::array<IndicatorInfo, 1> list{
        IndicatorInfo{.name = "bn-scale",
                      .key = "bn_scale",
                      .help = "BN-NAS: sum of the chosen operations' mean |gamma|, of a SuperNet that has it",
                      .heading = "bn-scale",
                      .format = "%8.5f",
                      .needs = {.weights = true}}};
    return list;
  }

  void check_space(const Space& space) const override {
    NetworkOptions options{.image_size = search_defaults(space.name()).image_size};
    RLNAS_CHECK(!last_norms(space.network(options, {})).empty(), usage,
                "--score bn-scale: the batch norms of the candidate operations of ", space.name(),
                " have no scale; choose another score");
  }

  void measure(const Measuring& with, const Genes& genes, std::span<double> values) const override {
    const SuperNetData& supernet = with.supernet->data();
    const SegmentTable& table = supernet.layout().tensors().parameters();
    const Graph graph = supernet.path(genes);
    values[0] = 0.0;
    for (const auto& [choice, node] : last_norms(graph)) {
      const Segment& gamma = table[supernet.layout().batch_norm(node->name).gamma];
      const float* const first = supernet.weights().data() + gamma.offset;
      double sum = 0.0;
      for (const float* g = first; g != first + gamma.count; ++g) sum += std::abs(double(*g));
      values[0] += sum / double(gamma.count);
    }
  }
};

}  // namespace

std::unique_ptr<IndicatorGroup> make_bn_scale() {
  return std::make_unique<BnScale>();
}

}  // namespace rlnas
