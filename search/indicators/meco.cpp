// MeCo (Jiang et al., NeurIPS 2023): how little the channels of feature maps depend on each other, from one
// random image: the smallest eigenvalue of their correlations, summed over convolutions, batch norms,
// activations and pools.
#include <array>
#include <map>
#include <utility>

#include "data/parallel_for.h"
#include "search/dense.h"
#include "search/indicators/groups.h"
#include "search/probe.h"

namespace rlnas {
namespace {

double smallest_correlation(std::span<const float> map, int channels) {
  const std::int64_t pixels = std::int64_t(map.size()) / channels;
  if (pixels <= channels) return 0.0;  // so many cannot be independent
  return symmetric_eigenvalues(column_correlations(map.data(), channels, pixels), channels).front();
}

// Maps of a network, those that are known to be equal once: nodes, and how many each stands for.
struct Maps {
  std::vector<int> nodes;
  std::vector<double> copies;

  explicit Maps(const Graph& graph) {
    std::map<std::pair<NodeKind, int>, std::size_t> place;  // of what has no weights
    for (int n = 0; n < graph.size(); ++n) {
      const NodeKind kind = graph[n].kind;
      const bool has_weights = kind == NodeKind::conv || kind == NodeKind::batch_norm;
      if (!has_weights && kind != NodeKind::activation && kind != NodeKind::avg_pool &&
          kind != NodeKind::max_pool)
        continue;
      const auto [at, is_new] =
          place.try_emplace({kind, has_weights ? n : graph[n].inputs.front()}, nodes.size());
      if (is_new) {
        nodes.push_back(n);
        copies.push_back(0.0);
      }
      ++copies[at->second];
    }
  }
};

class Meco final : public IndicatorGroup {
 public:
  std::span<const IndicatorInfo> infos() const override {
    static constexpr std::array<IndicatorInfo, 1> list{
        IndicatorInfo{.name = "meco",
                      .key = "meco",
                      .help = "MeCo: how little the channels of feature maps correlate",
                      .heading = "    meco",
                      .format = "%8.3f",
                      .needs = {.network = true}}};
    return list;
  }
  void measure(const Measuring& with, const Genes& genes, std::span<double> values) const override {
    Probe::Network& network = with.probe->network(genes);
    const Maps maps(network.graph);
    const Program::Result result =
        network.executor.forward(network.program({.taps = maps.nodes}), with.probe->noise("input", 1),
                                 {.statistics = Statistics::batch});
    std::vector<Executor::HostView> views;
    for (const Tensor& tap : result.taps) views.push_back(network.executor.host_view(tap));
    std::vector<double> smallest(views.size());
    parallel_for(with.threads, smallest.size(), [&](std::size_t m) {
      smallest[m] = smallest_correlation(views[m].values(), result.taps[m].c());
    });
    double sum = 0.0;
    for (std::size_t m = 0; m < smallest.size(); ++m) sum += maps.copies[m] * smallest[m];
    values[0] = sum;
  }
};

}  // namespace

std::unique_ptr<IndicatorGroup> make_meco() {
  return std::make_unique<Meco>();
}

}  // namespace rlnas
