#include "search/large_ones.h"

#include <algorithm>
#include <compare>
#include <functional>

#include "search/cell_rule.h"

namespace rlnas {
namespace {

struct Size {
  std::int64_t activations = 0, macs = 0, params = 0;

  friend auto operator<=>(const Size&, const Size&) = default;
};
constexpr Size kOfNothing{-1, 0, 0};
constexpr Size kOfNone{-2, -1, -1};  // is taken nowhere where there is something else

class Finder {
 public:
  Finder(const Space& space, const NetworkOptions& options)
      : space_(space), none_(std::size_t(space.gene_count()), -1), replaces_(none_) {
    std::size_t gene = 0;
    for (const CellSpec& cell : space.cells())
      for (std::size_t e = 0; e < cell.edges.size(); ++e) none_[gene++] = cell.of(e).none;
    measure(options);
  }

  std::vector<Genes> find() {
    Genes largest;
    for (std::size_t gene = 0; gene < sizes_.size(); ++gene) largest.push_back(most(gene, std::less<Size>()));
    keep_rules(largest);
    std::vector<Genes> all{largest};
    const auto fewer_macs = [](const Size& a, const Size& b) { return a.macs < b.macs; };
    const auto fewer_params = [](const Size& a, const Size& b) { return a.params < b.params; };
    for (std::size_t gene = 0; gene < sizes_.size(); ++gene)
      for (const std::int8_t op : {most(gene, fewer_macs), most(gene, fewer_params)}) {
        Genes other = largest;
        if (const int out = replaces_[gene]; out >= 0)
          other[std::size_t(out)] = std::int8_t(none_[std::size_t(out)]);
        other[gene] = op;
        if (std::find(all.begin(), all.end(), other) == all.end()) all.push_back(std::move(other));
      }
    return all;
  }

 private:
  void measure(const NetworkOptions& options) {
    for (int gene = 0; gene < space_.gene_count(); ++gene) {
      sizes_.emplace_back(std::size_t(space_.choices(gene)), kOfNothing);
      if (const int none = none_[std::size_t(gene)]; none >= 0) sizes_.back()[std::size_t(none)] = kOfNone;
    }
    const std::vector<ChoiceSite> sites = space_.choice_sites(options);
    const Graph graph = space_.network(options, {});
    for (const Node& node : graph.nodes()) {
      if (node.owner.edge < 0) continue;
      const int gene = gene_of(sites, node.owner.cell, node.owner.edge);
      Size& size = sizes_[std::size_t(gene)][std::size_t(node.owner.op)];
      const NodeCost cost = cost_of(node, graph);
      size.activations += std::int64_t(node.shape.channels) * node.shape.height * node.shape.width;
      size.macs += cost.macs;
      size.params += cost.params;
    }
  }

  template <class Less>
  std::int8_t most(std::size_t gene, const Less& less) const {
    const std::vector<Size>& all = sizes_[gene];
    return std::int8_t(std::max_element(all.begin(), all.end(), less) - all.begin());
  }

  // Where nodes have so many live edges, the largest of each, and of equal ones the first.
  void keep_rules(Genes& largest) {
    std::size_t first = 0;
    for (const CellSpec& cell : space_.cells()) {
      if (cell.edges_per_node > 0)
        for_each_node(cell, [&](int, std::size_t begin, std::size_t end) {
          std::vector<std::size_t> genes;
          for (std::size_t e = begin; e < end; ++e) genes.push_back(first + e);
          std::stable_sort(genes.begin(), genes.end(), [&](std::size_t a, std::size_t b) {
            return sizes_[a][std::size_t(largest[a])] > sizes_[b][std::size_t(largest[b])];
          });
          const std::size_t live = std::size_t(cell.edges_per_node);
          for (std::size_t i = live; i < genes.size(); ++i) {
            replaces_[genes[i]] = int(genes[live - 1]);
            largest[genes[i]] = std::int8_t(none_[genes[i]]);
          }
        });
      first += cell.edges.size();
    }
  }

  const Space& space_;
  std::vector<int> none_;                 // of each gene; -1: it has none
  std::vector<int> replaces_;             // the gene in whose place one can be live; -1: it is
  std::vector<std::vector<Size>> sizes_;  // [gene][op]
};

}  // namespace

std::vector<Genes> find_large_ones(const Space& space, const NetworkOptions& options) {
  return Finder(space, options).find();
}

}  // namespace rlnas
